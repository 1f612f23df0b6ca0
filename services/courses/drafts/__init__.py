"""Courses begun in the older system and never finished: read-only here, to be completed or deleted (E-42)."""
