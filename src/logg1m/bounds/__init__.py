"""MVP-1.1: derivatives in label space, Fisher information, Cramér-Rao bounds and the ceiling."""
