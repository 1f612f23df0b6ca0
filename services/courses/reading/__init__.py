"""Courses and pins in bulk: for Kela over all providers, for a provider of its own; as lists and as files."""
