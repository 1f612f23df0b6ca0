"""When a provider last looked its data through, and the reminder to do so (R-REG-7)."""
