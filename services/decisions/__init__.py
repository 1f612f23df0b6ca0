"""Decisions, the counters they take from, the queue for a full quota, payments and client contacts."""
