"""Counters and copies compared with the decisions themselves, all the time; differences told, kept and repaired."""
