"""Changing a course that exists: its size, target groups, ages, dates and contact details."""
