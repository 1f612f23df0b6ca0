"""Announced counts with their history: what is in force when, what was known when, the default, corrections."""
