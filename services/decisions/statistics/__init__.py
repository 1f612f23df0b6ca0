"""Figures by month, from what this service knows."""
