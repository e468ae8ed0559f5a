"""A trained model applied to spectra that are nobody's but the user's: its folder, the steps, errors, flags, files."""
