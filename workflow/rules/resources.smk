"""How much memory (MB) and time (minutes) jobs ask a cluster for. Requires nothing; no rules."""

# What a run holds of a spectrum, bytes per pixel: a network the flux and its error; a projection those behind its basis
# as it sees them, too; Ridge and LightGBM every channel of
# the input, and a copy of it in double precision.
PIXELS = 4096
HELD = {
    "vit": lambda channels: 8,
    "projection": lambda channels: 8 + 8 * channels,
    "ridge": lambda channels: 12 * channels,
}


def projection_settings():
    """What a projection's training reads of the configuration; when states are saved is no matter."""
    return whole(CONFIG.projection, but=("training.checkpoint_seconds",))


def projects(recipe):
    """Whether a network has the projection of a spectrum as one more token."""
    return recipe.get("projection_token", False)


def grows(amount):
    """A resource that every further attempt gets more of: twice, then three times the amount.

    The amount is a number, or a function of the wildcards.
    """

    def resource(wildcards, attempt):
        return attempt * int(amount(wildcards) if callable(amount) else amount)

    return resource


def memory_of(recipe):
    """Memory (MB) for one run: the program, and the spectra that its recipe trains on and is tested with."""
    model, settings = recipe["model"], CONFIG.experiments
    spectra = 1.25 * settings.train_size[model] + settings.test_size
    if model == "vit" and recipe["pretraining"] != "none":
        spectra += recipe["pretraining_size"] * settings.train_size[model]
    held = HELD.get("projection" if projects(recipe) else model, HELD["ridge"])(len(recipe["channels"]))
    return 4000 + spectra * PIXELS * held / 1e6
