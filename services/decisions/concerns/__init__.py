"""Concerns: a provider doubts a decision, and Kela speaks with the client; the decision stays as it is meanwhile."""
