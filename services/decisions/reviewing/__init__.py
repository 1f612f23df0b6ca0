"""What courses and the calendar make of granted decisions: used, or expired."""
