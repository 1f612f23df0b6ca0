"""What a provider may change only when Kela has approved it."""
