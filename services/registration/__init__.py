"""Registration: providers, offices, contracts, announced counts and service descriptions."""
