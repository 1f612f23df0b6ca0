"""Survey answers wait sealed, five of an office and service at a time, and are opened together (E-30)."""
