"""MVP-0.A: signal-to-noise, pools and splits, and who is in which."""
