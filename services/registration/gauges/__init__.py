"""Gauges in bulk: over all contracts, filtered, page by page, and as files for spreadsheets (R-DEC-3)."""
