"""The services; each one an island: what they share is in `contracts` and `chassis`."""
