"""logg1m: how well log g can be inferred from Subaru PFS medium-resolution spectra."""

__version__ = "0.1.0"
