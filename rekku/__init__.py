"""The command line of rekku: start the system, play the demo, look inside."""
