"""Choice-supporting information: questions as data, and what offices answer to them (R-SRCH-5, R-SRCH-9)."""
