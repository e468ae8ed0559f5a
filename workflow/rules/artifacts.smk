"""What documents are made from: the artifacts, records and names of every experiment. Requires the gates; no rules."""

import json
import shlex

from logg1m.report.names import names_of

# What the experiments without variants leave behind, beside their verdicts; by folder.
OWN_FILES = {
    "mvp_0_a": ["results/mvp_0_a/protocol.json"],
    "mvp_0_b": [f"results/mvp_0_b/{name}.json" for name in ("scaling", *RIDGES, "networks")],
    "mvp_1_1": [*(f"results/mvp_1_1/{name}.json" for name in ("fisher", "models", "errors")), *extras()],
}
OWN_SCRIPTS = {"mvp_0_a": "protocol", "mvp_0_b": "scaling", "mvp_1_1": "bounds_and_models"}
# Logs of their jobs, beside which each job records when, how long and on what it ran.
OWN_LOGS = {
    "mvp_0_a": ["snr", "protocol"],
    "mvp_0_b": [
        *RIDGES,
        *(f"lightgbm_{scale}" for scale in LIGHTGBM_SCALES),
        *(f"lightgbm_draws_{scale}" for scale in DRAWS_SCALES),
        *(f"projection_{scale}" for scale in SCALES),
        "scaling",
    ],
    "mvp_1_1": ["bounds", "bayes", "bounds_and_models", "errors"]
    + ["magnitude_sweep", "requirements"] * ("sweep" not in WITHOUT),
}
DECISION_FILES = [f"results/{name}" for name in FILES]


def artifacts_of(key):
    """Everything of an experiment that documents show."""
    return [
        f"results/{key}/verdict.json",
        *OWN_FILES.get(key, []),
        *figure_files(key),
        *runs_of(key, METRICS),
        *runs_of(key, PROVENANCE),
    ]


def artifacts_of_foundations():
    """Phases 0 and 1, which no decision gates."""
    keys = active(0) + active(1)
    simulated = [FORECAST] * ("forecast" not in WITHOUT)
    return ["results/data/manifest.json", *simulated] + [f for key in keys for f in artifacts_of(key)]


def artifacts_of_later_phases(wildcards):
    """What the decisions allow of Phases 2 and 3, their recipes, and the combination that D4 tried."""
    later_verdicts(wildcards)
    keys = active(2) + active(3)
    files = [f for key in keys for f in artifacts_of(key)]
    for phase in (2, 3):
        if active(phase):
            files += recipe_of(phase)
    tried = [path for path in trial_runs(wildcards) if "combination" in path]
    return files + [str(Path(path).with_name(METRICS)) for path in tried]


def job_records(key):
    """Where the jobs of an experiment record what they ran on; read where they exist, and inputs of nothing."""
    logs = OWN_LOGS.get(key, []) + ["verdict", *figure_sets(key)]
    runs = [Path(path).parent for path in runs_of(key, METRICS)]
    return [f"logs/{key}/{name}.job.json" for name in logs] + [
        f"logs/{run.relative_to('results')}.job.json" for run in runs
    ]


def command_line():
    """The call of Snakemake in the workflow's folder, with the folder, overlays and settings of this run."""
    overlays = [os.path.relpath(path, WORKFLOW) for path in workflow.overwrite_configfiles]
    settings = [
        f"{key}={value if isinstance(value, str) else json.dumps(value)}"
        for key, value in workflow.config_settings.config.items()
    ]
    words = ["snakemake", "--cores", "all"]
    if Path.cwd().resolve() != WORKFLOW.resolve():
        words += ["--directory", os.path.relpath(Path.cwd(), WORKFLOW)]
    words += ["--configfile", *overlays] if overlays else []
    words += ["--config", *settings] if settings else []
    words += ["--"] if overlays or settings else []  # or the target would be read as one more of them
    return shlex.join(words)


# What every document is made from: the same inputs and parameters for the Markdown documents and for the page.
REPORT_INPUT = {
    "foundations": artifacts_of_foundations(),
    "later": artifacts_of_later_phases,
    "decisions": DECISION_FILES,
    "confirmation": CONFIRMATION,
}
REPORT_PARAMS = {
    "experiments": {key: whole(e) for key, e in EXPERIMENTS.items()},
    "report": whole(CONFIG.report),
    "paused": CONFIG.experiments.paused,
    "command": command_line(),
    "records": {key: job_records(key) for key in EXPERIMENTS},
    "scripts": {key: f"workflow/scripts/{name}.py" for key, name in OWN_SCRIPTS.items()},
    "identity": {
        "scales": ", ".join(SCALES),
        "seed": str(CONFIG.seed),
        "network": f"{CONFIG.network.preset} preset, at most {CONFIG.network.training.epochs} epochs",
    },
    "level": CONFIG.bootstrap.level,
    "origin": asdict(ORIGIN),
}
EXPERIMENT_REPORTS = [f"results/report/{names_of(e, EXPERIMENTS, CONFIG.report)[1]}" for e in EXPERIMENTS.values()]


def predictions_of_runs(wildcards):
    """Predictions of every run that the documents show, for the maps of residuals."""
    shown = REPORT_INPUT["foundations"] + artifacts_of_later_phases(wildcards)
    return [str(Path(path).with_name(PREDICTIONS)) for path in dict.fromkeys(shown) if Path(path).name == METRICS]


def histories_of_runs(wildcards):
    """What every training wrote of its epochs, for the learning curves."""
    return [str(Path(path).with_name("history.csv")) for path in predictions_of_runs(wildcards)]


def document(name, path=None, category="Roadmap", says=None):
    """An output that Snakemake's own report shows, with the caption of that name."""
    path = path or f"results/report/{name}.md"
    return update(report(path, caption=f"../report/{name}.rst", category=category, labels={"document": says or name}))
