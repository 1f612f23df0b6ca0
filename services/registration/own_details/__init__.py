"""What a provider changes alone and at once."""
