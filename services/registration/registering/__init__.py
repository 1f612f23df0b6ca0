"""Registering an office for a service: from the provider's draft to the contract, and its end."""
