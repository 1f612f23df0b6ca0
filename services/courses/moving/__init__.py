"""Clients between courses: moves, what was attended where, interruptions, and clients without a course."""
