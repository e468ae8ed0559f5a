"""Frozen denoisers: making, training and judging them."""
