"""Shards of pfsspec as a source of spectra, and writing them."""
