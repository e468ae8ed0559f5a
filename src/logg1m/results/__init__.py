"""What artifacts hold, and words for it."""
