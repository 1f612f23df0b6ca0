"""The last day of a contract: set, moved or lifted by Kela (E-45)."""
