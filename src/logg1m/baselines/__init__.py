"""MVP-0.B: classical models."""
