"""Networks: tokens from spectra, a transformer over them, objectives, and one trainer for all of them."""
