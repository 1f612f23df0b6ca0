"""How courses end other than by being completed, and what becomes of those that were never confirmed in time."""
