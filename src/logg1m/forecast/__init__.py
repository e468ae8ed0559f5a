"""What to do next: σ(log g) against exposure time, conditions and what else could be known, from exact derivatives."""
