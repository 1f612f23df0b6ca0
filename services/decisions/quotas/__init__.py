"""The two counters of a grant: a contract's announced count and the national quota; signals and the queue."""
