"""What a model sees of a noisy spectrum: normalisation, channels, windows and masks."""
