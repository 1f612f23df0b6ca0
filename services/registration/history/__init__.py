"""Who did what to a provider, an office or a contract, and when."""
