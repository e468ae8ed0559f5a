"""Which module fits which kind of model, and which looks into it; the workflow takes their fingerprints."""

FITTED_BY = {
    "ridge": "logg1m.experiments.models.classical",
    "lightgbm": "logg1m.experiments.models.classical",
    "projection": "logg1m.experiments.models.projection",
    "vit": "logg1m.experiments.models.network",
}
# Apart from what fits it, so that what is asked of a trained model is no part of its training; and not imported by
# name, so that a change of networks runs no other kind of model again.
EXAMINED_BY = {"vit": "logg1m.experiments.models.examination"}

# Kinds that are trained by steps, on a GPU where there is one.
BY_STEPS = ("projection", "vit")


def modules_behind(model: str) -> list[str]:
    """The modules behind one kind of model."""
    return [FITTED_BY[model], *([EXAMINED_BY[model]] if model in EXAMINED_BY else [])]
