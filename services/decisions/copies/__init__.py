"""Copies of what registration and courses own, kept by their events: the newer version wins."""
