"""Training: a capture on disk becomes an avatar."""
