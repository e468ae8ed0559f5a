"""Which module fits which kind of model; the workflow takes the fingerprint of that module for its runs."""

FITTED_BY = {
    "ridge": "logg1m.experiments.models.classical",
    "lightgbm": "logg1m.experiments.models.classical",
    "vit": "logg1m.experiments.models.network",
}
