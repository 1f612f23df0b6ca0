"""Notifications: messages to clients and providers, feedback surveys and their averages."""
