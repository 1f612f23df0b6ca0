"""Kela's follow-up: who has to be on a confirmed course by when, whom to contact, and what the client answered."""
