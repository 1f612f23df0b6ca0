"""The events and shared value types: the only thing the services have in common."""
