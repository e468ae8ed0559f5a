"""Which module fits which kind of model; the workflow takes the fingerprint of that module for its runs."""

FITTED_BY = {
    "ridge": "logg1m.experiments.classical",
    "lightgbm": "logg1m.experiments.classical",
    "vit": "logg1m.experiments.networks",
}
