"""The labels of a star, in their order everywhere, and their units."""

LABELS = ("teff", "logg", "m_h", "a_m", "c_m")
UNITS = {"teff": "K", "logg": "dex", "m_h": "dex", "a_m": "dex", "c_m": "dex"}
