"""Figures: one file per kind, its name is the kind in the YAML. Nothing that computes or judges imports this."""
