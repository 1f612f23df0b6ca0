"""Courses, their places, and which decision's client is pinned where."""
