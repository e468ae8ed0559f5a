"""Figures: nothing that computes, judges or decides draws, and nothing of it reads a figure.

Requires: verdicts and the artifacts of runs; artifacts of Phases 0 and 1. What a figure is drawn from are the arguments of
its kind's functions (`logg1m.figures.given`).
Produces: results/<mvp>/<figure>.png and, beside it, its values as .csv, for every figure that an experiment's file names:
one rule per experiment for those of its runs (`figures_mvp_1_2`), one per figure for those of Phases 0 and 1's own
artifacts (`figure_ridge_alpha`). And results/mvp_1_1/fisher.json, a copy of the numbers of MVP-1.1 that is there once its
figures are.
"""

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
    "sweep": "results/mvp_1_1/magnitude_sweep.json",
}
FIGURE_NEEDS = {"members": ["snr"], "stars": ["members", "snr"]}  # read beside it
FIGURE_SETTINGS = {"observation": CONFIG.data.observation}
# Only a source that simulates has a magnitude sweep.
WITHOUT = {"sweep"} if CONFIG.data.source == "pfs_hdf5" else set()

try:
    ASKED = {
        kind: kinds.asks_for(kind)
        for experiment in EXPERIMENTS.values()
        for kind in experiment.figures.values()
    }
    SHOWS = {kind: kinds.caption(kind) for kind in ASKED}
except InputError as error:
    raise WorkflowError(str(error))
for kind, asked in ASKED.items():
    known = ["verdict", "evidence", *FIGURE_INPUT, *FIGURE_SETTINGS]
    if not set(asked) <= set(known):
        raise WorkflowError(
            f"figures of the kind {kind} ask for {', '.join(sorted(set(asked) - set(known)))}; the arguments of values and "
            f"draw in src/logg1m/figures/{kind}.py may be {', '.join(known)}"
        )


def figures_of(key, without=frozenset()):
    """Figure → kind, of an experiment; without those that show what there is not."""
    figures = EXPERIMENTS[key].figures
    absent = WITHOUT | without
    return {name: kind for name, kind in figures.items() if not absent & {*ASKED[kind]}}


def figure_files(key, without=frozenset()):
    """Pictures and values of an experiment's figures."""
    return expand(
        f"results/{key}/{{name}}.{{ext}}",
        name=figures_of(key, without),
        ext=["png", "csv"],
    )


def figure_sets(key):
    """Rule → {figure: kind}: figures of runs are drawn together, those of other artifacts one by one."""
    sets = {}
    for name, kind in figures_of(key).items():
        of_runs = {"verdict", "evidence"} & set(ASKED[kind])
        rule_name = f"figures_{key}" if of_runs else f"figure_{name}"
        sets.setdefault(rule_name, {})[name] = kind
    return sets


def figure_inputs(key, shown):
    """What the kinds of one rule ask for, as named inputs."""
    asked = {name for kind in shown.values() for name in ASKED[kind]}
    asked |= {other for name in asked for other in FIGURE_NEEDS.get(name, [])}
    files = {name: file for name, file in FIGURE_INPUT.items() if name in asked}
    if "verdict" in asked:
        files["verdict"] = f"results/{key}/verdict.json"
    if "evidence" in asked:
        files |= evidence_of(key, any(map(kinds.shows_times, shown.values())))
    return files


def figure_params(key, shown):
    """What drawing reads of the configuration: of figures of other artifacts than runs, hardly anything."""
    asked = {name for kind in shown.values() for name in ASKED[kind]}
    settings = {
        name: section.model_dump(mode="json")
        for name, section in FIGURE_SETTINGS.items()
        if name in asked
    }
    params = {
        "experiment": EXPERIMENTS[key].model_dump(mode="json"),
        "figures": shown,
        "captions": {name: SHOWS[kind] for name, kind in shown.items()},
        "settings": settings,
    }
    if "evidence" in asked:
        params |= {
            "variants": variants_of(key),
            "seeds": CONFIG.experiments.seeds,
            "bootstrap": CONFIG.bootstrap.model_dump(mode="json"),
            "seed": CONFIG.seed,
        }
    return params


for key, experiment in EXPERIMENTS.items():
    for rule_name, shown in figure_sets(key).items():

        rule:
            name:
                rule_name
            input:
                **figure_inputs(key, shown),
            output:
                figures=update(
                    [
                        report(
                            f"results/{key}/{name}.png",
                            caption="../report/figure.rst",
                            category=f"Phase {experiment.phase}",
                            subcategory=f"MVP-{experiment.id} {experiment.title}",
                            labels={"figure": name},
                        )
                        for name in shown
                    ]
                ),
                tables=update([f"results/{key}/{name}.csv" for name in shown]),
            log:
                f"logs/{key}/{rule_name}.log",
            group:
                "verdicts"
            conda:
                "../../envs/logg1m.yaml"
            threads: 1
            resources:
                mem_mb=grows(2000 + CONFIG.protocol.scales[-1] // 250),
                runtime=grows(30),
            params:
                **figure_params(key, shown),
                code=code(
                    "logg1m.experiments.judging.evidence",
                    "logg1m.figures.catalogue",
                    "logg1m.figures.given",
                    *kinds.modules_of(shown.values()),
                ),
            script:
                "../scripts/figures.py"


rule fisher:
    input:
        numbers=NUMBERS,
        # Every figure for which nothing has to be computed that the numbers do not need.
        figures=[
            path
            for key in ("mvp_0_a", "mvp_0_b", "mvp_1_1")
            for path in figure_files(key, without={"scaling", "sweep"})
        ],
    output:
        update("results/mvp_1_1/fisher.json"),
    log:
        "logs/mvp_1_1/fisher.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    threads: 1
    params:
        code=code("logg1m.files"),
    script:
        "../scripts/fisher.py"
