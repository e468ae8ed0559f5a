"""The Zarr store: writing it, reading it, and one function over all its chunks."""
