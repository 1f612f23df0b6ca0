"""The heart courses' real years, played through every service and compared with the source."""
