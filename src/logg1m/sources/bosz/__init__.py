"""BOSZ grids as a source of spectra."""
