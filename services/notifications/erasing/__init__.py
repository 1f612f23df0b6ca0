"""Erasing a client: contact data, SMS that wait, and what the gateway keeps of those that were sent."""
