"""What the rules of experiments and decisions take in, and in which order runs go. Requires the gates; no rules."""

from logg1m.results import denoiser as denoiser_files
from logg1m.experiments.models import BY_STEPS
from logg1m.results.run import METRICS, MODEL, PREDICTIONS, PROVENANCE, RUN_FILES, TABLE_FILES


def variants_of(mvp):
    """The variants that run at this scale; an experiment with rules of its own has none."""
    if EXPERIMENTS[mvp].artifact:
        return []
    found = catalogue.variants(EXPERIMENTS[mvp], CONFIG.experiments)
    if CONFIG.data.source != "pfs_hdf5":
        return found
    return [name for name in found if not is_simulated(EXPERIMENTS[mvp].variants[name].change)]


def is_combination(wildcards):
    """Whether a run is that of the combination which D4 tries, and of no experiment."""
    return not hasattr(wildcards, "mvp")


def change_of(wildcards):
    if is_combination(wildcards):
        return {}
    if wildcards.mvp not in EXPERIMENTS or wildcards.variant not in EXPERIMENTS[wildcards.mvp].variants:
        raise WorkflowError(f"config/experiments has no variant {wildcards.variant!r} of {wildcards.mvp!r}")
    return EXPERIMENTS[wildcards.mvp].variants[wildcards.variant].change


def recipe_file(wildcards):
    """The recipe that a phase starts from; Phase 1 starts from the configured one, D4 proposes the combination."""
    if is_combination(wildcards):
        return [str(proposal_file())]
    change_of(wildcards)
    return pass_gate(EXPERIMENTS[wildcards.mvp])


def sensitivity_for(recipe):
    """Windows at the peaks of the sensitivity need MVP-1.1."""
    wanted = catalogue.needs_sensitivity(recipe)
    return ["results/mvp_1_1/sensitivity.parquet"] if wanted else []


def recipe_in_full(wildcards):
    """All that a variant trains: the recipe of its phase with its change."""
    change, settled = change_of(wildcards), recipe_file(wildcards)
    base = whole(CONFIG.experiments.recipe)
    return {**(content_of(settled[0], "recipe")["recipe"] if settled else base), **change}


def sensitivity_file(wildcards):
    """What the windows of a variant need, which a later phase may inherit from its recipe."""
    return sensitivity_for(recipe_in_full(wildcards))


def pixels_for(recipe):
    """Windows in and between sky lines need the error per pixel."""
    wanted = recipe["windows"] in ("sky", "between_sky")
    return ["results/mvp_0_a/pixels.parquet"] if wanted else []


def denoiser_for(recipe, seed):
    """The frozen denoiser that a recipe names, of the same seed number."""
    kind = recipe["denoiser"]
    if kind == "none":
        return []
    return [f"results/denoisers/{kind}/seed_{seed}/{denoiser_files.MODEL}"]


def denoiser_settings(wildcards):
    """The linear filter is not trained by steps, a network has no components; when states are saved is no matter."""
    by_steps = ("components", "training.checkpoint_seconds")
    return whole(CONFIG.denoisers, but=("training",) if wildcards.kind == "pca" else by_steps)


def denoisers_of(mvp):
    """Reports of the denoisers that the variants of an experiment name, for its verdict and figures."""
    changes = [EXPERIMENTS[mvp].variants[name].change for name in variants_of(mvp)]
    kinds = dict.fromkeys(c["denoiser"] for c in changes if "denoiser" in c)
    return expand(
        "results/denoisers/{kind}/seed_0/{name}",
        kind=[kind for kind in kinds if kind != "none"],
        name=denoiser_files.SHOWN,
    )


def code_of(recipe):
    """The code behind a run, that of the denoiser, and of what simulates, included where there is one."""
    found = MODEL_CODE[recipe["model"]]
    found += DENOISER_CODE if recipe["denoiser"] != "none" else ""
    return found + (STREAM_CODE if is_simulated(recipe) else "")


def is_simulated(change):
    """Whether a recipe, or a change of one, trains on stars that are simulated meanwhile."""
    return change.get("training_spectra") == "simulated"


def training_of(model, token=False):
    """What training one kind of model reads, a network with the projection as a token too; another kind's settings must not
    retrain it."""
    reads = {"ridge": ("alphas",)}.get(model, ())
    settings = part(CONFIG.experiments, "test_size", *reads)
    settings["train_size"] = CONFIG.experiments.train_size[model]
    if model == "lightgbm":
        settings["lightgbm"] = whole(CONFIG.baselines.lightgbm)
    if model == "vit":
        settings["network"] = whole(CONFIG.network, but=("training.checkpoint_seconds",))
    if model == "projection":
        settings["projection"] = projection_settings()
    elif token:
        settings["projection"] = part(CONFIG.projection, "basis_rows")
    return settings


def training_for(recipe):
    """The same for a recipe in full."""
    return training_of(recipe["model"], projects(recipe))


def threads_of(model):
    """What trains by steps has as many threads as configured; the rest of a run gains little from a second one."""
    return {"vit": CONFIG.network.threads, "projection": CONFIG.projection.threads}.get(model, 1)


def gpus_of(model):
    """GPUs that training one kind of model asks a cluster for; on this machine it is no limit."""
    return int(model in BY_STEPS and CONFIG.compute.device != "cpu")


def goes_first(wildcards):
    """Priority of a run, if a decision puts its experiment first: an order, never an input, which would retrain."""
    experiment = EXPERIMENTS[wildcards.mvp]
    made = {d: Path(f"results/decisions/{d}.json") for d in experiment.first_if}
    return int(
        any(
            path.exists() and content_of(path, "outcome")["outcome"] == experiment.first_if[d]
            for d, path in made.items()
        )
    )


def seeds_in(mvp):
    """How many seeds the verdict of an experiment reads, of its own variants and of those it compares them with."""
    return CONFIG.experiments.seeds_for.get(EXPERIMENTS[mvp].id, CONFIG.experiments.seeds)


def runs_of(mvp, name):
    return expand(
        "results/{runs}/seed_{k}/{name}",
        runs=[catalogue.runs_in(EXPERIMENTS, mvp, v) for v in variants_of(mvp)],
        k=range(seeds_in(mvp)),
        name=name,
    )


def honest_runs():
    """Runs of Phase 1 whose model may stand for the best one, neither leaky nor a control: run → kind of its model, and
    how many fields of the recipe it changes."""
    chosen = {
        catalogue.runs_in(EXPERIMENTS, key, name)
        for key in active(1)
        for name in variants_of(key)
        if not (EXPERIMENTS[key].variants[name].leaky or EXPERIMENTS[key].variants[name].control)
    }
    base = whole(CONFIG.experiments.recipe)
    found = {}
    for run in sorted(chosen):
        key, name = run.split("/")
        recipe = {**base, **EXPERIMENTS[key].variants[name].change}
        found[run] = (recipe["model"], sum(recipe[f] != base[f] for f in base))
    return found


def seeds_of(runs):
    """Every seed of some runs: mvp_1_2/flux/seed_0, …"""
    return expand("{run}/seed_{k}", run=runs, k=range(CONFIG.experiments.seeds))


def settings_of(wildcards):
    """What one decision reads of the configuration: a threshold of D1 is no matter of D2's."""
    of_d1 = ("d1_statistic", "d1_continue_above", "d1_stop_below")
    fields = of_d1 if wildcards.d == "d1" else ()
    settings = part(CONFIG.decisions, *fields)
    for name in ("override", "default"):
        chosen = getattr(CONFIG.decisions, name)
        settings[name] = {d: v for d, v in chosen.items() if d == wildcards.d}
    return settings


def proposal_file():
    """The file of what D4 proposes, once D3 is decided."""
    outcome("d3")
    return checkpoints.propose.get().output[0]


def proposal_of_d4():
    """The same, read."""
    return content_of(proposal_file(), "recipe", "members", "combination")


def trial_runs(wildcards):
    """Predictions of the combination and of its best member, if a combination is proposed."""
    proposal = proposal_of_d4()
    if not proposal["combination"]:
        return []
    best = proposal["members"][0]
    folders = ["combination/recipe", catalogue.runs_in(EXPERIMENTS, best["mvp"], best["variant"])]
    return expand("results/{f}/seed_{k}/{name}", f=folders, k=range(CONFIG.experiments.seeds), name=PREDICTIONS)


def evidence_of(key, times=False):
    """The artifacts of an experiment's runs and what they are compared with, as named inputs; `times`: how long runs
    took, which nothing that is decided may read."""
    experiment = EXPERIMENTS[key]
    judged = experiment.acceptance
    runs = [path for name in TABLE_FILES for path in runs_of(key, name)]
    seconds = runs_of(key, PROVENANCE) if times else []
    return {
        "manifest": "results/data/manifest.json",
        "members": "results/mvp_0_a/members.parquet",
        "snr": "results/mvp_0_a/snr.parquet",
        "stars": "results/mvp_1_1/bounds.parquet" if judged else [],
        "sensitivity": "results/mvp_1_1/sensitivity.parquet" if judged else [],
        "pixels": "results/mvp_0_a/pixels.parquet" if judged else [],
        "denoisers": behind_gate(experiment, denoisers_of(key)),
        "metrics": behind_gate(experiment, runs_of(key, METRICS)),
        "runs": behind_gate(experiment, runs),
        "times": behind_gate(experiment, seconds),
    }


def numbers_of(artifact):
    """What a verdict is read from: the numbers themselves, where the artifact is their copy beside the figures."""
    copy = "results/mvp_1_1/fisher.json"
    return NUMBERS if artifact.file == copy else artifact.file


JUDGED = [key for key, e in EXPERIMENTS.items() if e.acceptance and variants_of(key)]
# Kinds of models that these train.
KINDS = {
    change_in.get("model", CONFIG.experiments.recipe.model)
    for change_in in (EXPERIMENTS[key].variants[name].change for key in JUDGED for name in variants_of(key))
}


def judged_keys():
    """Experiments with variants that run, of every phase."""
    return [key for phase in (1, 2, 3) for key in active(phase) if key in JUDGED]


def tried_combination(wildcards):
    """Folders of the combination that D4 tried, if one was proposed."""
    return [str(Path(path).parent) for path in trial_runs(wildcards) if "combination" in path]


def honest_everywhere(name):
    """Input function: a file of every seed of every honest variant, and of D4's combination."""

    def files(wildcards):
        later_verdicts(wildcards)
        runs = [
            catalogue.runs_in(EXPERIMENTS, key, variant)
            for key in judged_keys()
            for variant in variants_of(key)
            if not (EXPERIMENTS[key].variants[variant].leaky or EXPERIMENTS[key].variants[variant].control)
        ]
        folders = [f"results/{run}" for run in seeds_of(sorted(set(runs)))]
        return [f"{folder}/{name}" for folder in folders + tried_combination(wildcards)]

    return files


def everywhere(name):
    """Input function: a file of every seed of every variant, and of D4's combination."""

    def files(wildcards):
        later_verdicts(wildcards)
        of_variants = [path for key in judged_keys() for path in runs_of(key, name)]
        return [*dict.fromkeys(of_variants), *(f"{folder}/{name}" for folder in tried_combination(wildcards))]

    return files


def verdicts_to_confirm(wildcards):
    later_verdicts(wildcards)
    return [f"results/{key}/verdict.json" for key in judged_keys()]


def denoisers_to_confirm(wildcards):
    """Denoisers that variants name, or the recipes that they change."""
    later_verdicts(wildcards)
    changes = [EXPERIMENTS[key].variants[name].change for key in judged_keys() for name in variants_of(key)]
    settled = [content_of(path, "recipe")["recipe"] for phase in (2, 3) if active(phase) for path in recipe_of(phase)]
    proposed = [proposal_of_d4()["recipe"]]
    kinds = {found.get("denoiser", "none") for found in (*changes, *settled, *proposed)} - {"none"}
    seeds = range(max(map(seeds_in, judged_keys())))
    return expand("results/denoisers/{kind}/seed_{k}/{name}", kind=sorted(kinds), k=seeds, name=denoiser_files.MODEL)


LARGEST_PROJECTION = f"results/mvp_0_b/projection_{SCALES[-1]}.safetensors"
FROM_WINNER = CONFIG.predict.model == "winner"


def models_to_choose_from(wildcards):
    """Weights of every honest run and of the classical models, or of the one projection."""
    if not FROM_WINNER:
        return [LARGEST_PROJECTION]
    return [*honest_everywhere(MODEL)(wildcards), LARGEST_PROJECTION]


def beside_them(wildcards):
    """What is known of these models: metrics and validation stars of the runs, report and predictions of the projection."""
    of_projection = [LARGEST_PROJECTION.replace(".safetensors", ending) for ending in (".json", ".parquet")]
    if not FROM_WINNER:
        return of_projection
    return of_projection + [path for name in (METRICS, *TABLE_FILES) for path in honest_everywhere(name)(wildcards)]


PREDICTIONS_FOLDER = "results/predictions"


def chunks_of(wildcards):
    """Predictions of every chunk, once it is known how many there are."""
    plan = content_of(checkpoints.plan_predictions.get().output[0], "chunks")
    return [f"{PREDICTIONS_FOLDER}/chunk_{number}.parquet" for number in range(len(plan["chunks"]))]
