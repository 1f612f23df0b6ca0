"""Whether a client's disease group and age fit a course; both are known only sealed (E-24)."""
