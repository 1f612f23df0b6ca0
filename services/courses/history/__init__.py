"""Who did what to a course or to a decision's pin, and when."""
