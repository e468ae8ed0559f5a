"""What the rules of figures take in, and which figures there are. Requires the gates; no rules."""

from logg1m.figures import catalogue as kinds

# What figures may ask for → the file that holds it; beside these, `verdict` and `evidence`.
FIGURE_INPUT = {
    "snr": "results/mvp_0_a/snr.parquet",
    "members": "results/mvp_0_a/members.parquet",
    "protocol": "results/mvp_0_a/protocol.json",
    "ridge": "results/mvp_0_b/ridge.json",
    "scaling": "results/mvp_0_b/scaling.json",
    "predictions": CLASSICAL,
    "fisher": NUMBERS,
    "stars": "results/mvp_1_1/bounds.parquet",
    "sensitivity": "results/mvp_1_1/sensitivity.parquet",
    "errors": "results/mvp_1_1/errors.json",
    # Which model is the best, and predictions of it and of the classical ones.
    "tested": lambda: [
        "results/mvp_1_1/models.json",
        *CLASSICAL,
        *expand("results/{run}/seed_0/{file}", run=honest_runs(), file=PREDICTIONS),
    ],
    "labels": "results/data/manifest.json",
    "sweep": "results/mvp_1_1/magnitude_sweep.json",
    "requirements": "results/mvp_1_1/requirements.json",
    "forecast": FORECAST,
}
FIGURE_NEEDS = {"members": ["snr"], "stars": ["members", "snr"]}  # read beside it
FIGURE_SETTINGS = {"observation": CONFIG.data.observation}
# Only a source that simulates has a magnitude sweep, requirements and a forecast.
WITHOUT = {"sweep", "requirements", "forecast"} if CONFIG.data.source == "pfs_hdf5" else set()

try:
    ASKED = {kind: kinds.asks_for(kind) for experiment in EXPERIMENTS.values() for kind in experiment.figures.values()}
    SHOWS = {kind: kinds.caption(kind) for kind in ASKED}
except InputError as error:
    raise WorkflowError(str(error))
for kind, asked in ASKED.items():
    known = ["verdict", "evidence", *FIGURE_INPUT, *FIGURE_SETTINGS]
    if not set(asked) <= set(known):
        raise WorkflowError(
            f"figures of the kind {kind} ask for {', '.join(sorted(set(asked) - set(known)))}; the arguments of values "
            f"and draw in src/logg1m/figures/{kind}.py may be {', '.join(known)}"
        )


def figures_of(key, without=frozenset()):
    """Figure → kind, of an experiment; without those that show what there is not."""
    figures = EXPERIMENTS[key].figures
    absent = WITHOUT | without
    return {name: kind for name, kind in figures.items() if not absent & {*ASKED[kind]}}


def figure_files(key, without=frozenset()):
    """Pictures, drawings and values of an experiment's figures."""
    return expand(f"results/{key}/{{name}}.{{ext}}", name=figures_of(key, without), ext=["png", "svg", "csv"])


def figure_sets(key):
    """Rule → {figure: kind}: figures of runs are drawn together, those of other artifacts one by one."""
    sets = {}
    for name, kind in figures_of(key).items():
        of_runs = {"verdict", "evidence"} & set(ASKED[kind])
        owner = next(k for k, e in EXPERIMENTS.items() if name in e.figures)
        alone = f"figure_{name}" if owner == key else f"figure_{key}_{name}"
        rule_name = f"figures_{key}" if of_runs else alone
        sets.setdefault(rule_name, {})[name] = kind
    return sets


def figure_inputs(key, shown):
    """What the kinds of one rule ask for, as named inputs."""
    asked = {name for kind in shown.values() for name in ASKED[kind]}
    asked |= {other for name in asked for other in FIGURE_NEEDS.get(name, [])}
    files = {name: file() if callable(file) else file for name, file in FIGURE_INPUT.items() if name in asked}
    if {"verdict", "evidence"} & asked:
        files["verdict"] = f"results/{key}/verdict.json"
    if "evidence" in asked:
        files |= evidence_of(key, any(map(kinds.shows_times, shown.values())))
    return files


def figure_params(key, shown):
    """What drawing reads of the configuration: of figures of other artifacts than runs, hardly anything."""
    asked = {name for kind in shown.values() for name in ASKED[kind]}
    settings = {name: whole(section) for name, section in FIGURE_SETTINGS.items() if name in asked}
    params = {
        "experiment": whole(EXPERIMENTS[key]),
        "figures": shown,
        "captions": {name: SHOWS[kind] for name, kind in shown.items()},
        "settings": settings,
    }
    if "evidence" in asked:
        params |= {
            "variants": variants_of(key),
            "seeds": seeds_in(key),
            "bootstrap": whole(CONFIG.bootstrap),
            "seed": CONFIG.seed,
        }
    return params
