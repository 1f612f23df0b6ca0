"""Audit findings: corrective action by a due date, overdue ones, reminders (R-REG-11)."""
