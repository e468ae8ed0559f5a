"""The model that the answer names, and what was accepted on stars that chose nothing.

Requires: runs, verdicts and recipes of every phase that the decisions allow; the classical models of MVP-0.B.
Produces: results/confirmation/winner.json, the best honest model of all phases, chosen on low-noise validation stars; and
confirmation.json: every accepted variant and its reference, paired, and the winner, asked once more by their saved models
on fresh simulated stars (of a source that cannot simulate, on the part of the test pool that is in no test), with how many
configurations have been looked at there. Nothing is decided from either. Which configurations have looked is remembered in
results/.history/, which is no output.
"""

CONFIRMATION = ["results/confirmation/winner.json", "results/confirmation/confirmation.json"]


def judged_keys():
    """Experiments with variants that run, of every phase."""
    return [key for phase in (1, 2, 3) for key in active(phase) if EXPERIMENTS[key].acceptance and variants_of(key)]


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
    seeds = range(CONFIG.experiments.seeds)
    return expand("results/denoisers/{kind}/seed_{k}/{name}", kind=sorted(kinds), k=seeds, name=denoiser_files.MODEL)


rule winner:
    input:
        selection=honest_everywhere("selection.parquet"),
        metrics=honest_everywhere(METRICS),
        classical=[path.replace(".parquet", "_selection.parquet") for path in EVERY_CLASSICAL],
        models="results/mvp_1_1/models.json",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
    output:
        update("results/confirmation/winner.json"),
    log:
        "logs/confirmation/winner.log",
    conda:
        "../../envs/logg1m.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(20),
    params:
        recipe=whole(CONFIG.experiments.recipe),
        bootstrap=whole(CONFIG.bootstrap),
        seed=CONFIG.seed,
        code=code(
            "logg1m.bounds.choice",
            "logg1m.bounds.comparison",
            "logg1m.protocol.members",
            "logg1m.results.run",
        ),
    script:
        "../scripts/winner.py"


rule confirmation:
    input:
        manifest="results/data/manifest.json",
        protocol="results/mvp_0_a/protocol.json",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        pixels="results/mvp_0_a/pixels.parquet",
        sensitivity="results/mvp_1_1/sensitivity.parquet",
        winner="results/confirmation/winner.json",
        verdicts=verdicts_to_confirm,
        metrics=everywhere(METRICS),
        models=everywhere(MODEL),
        predictions=everywhere(PREDICTIONS),
        denoisers=denoisers_to_confirm,
        classical=EVERY_CLASSICAL,
        classical_models=[path.replace(".parquet", ".safetensors") for path in EVERY_CLASSICAL],
    output:
        update("results/confirmation/confirmation.json"),
    log:
        "logs/confirmation/confirmation.log",
    benchmark:
        "logs/confirmation/confirmation.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(6000 + CONFIG.experiments.confirmation_size * PIXELS * 16 / 1e6),
        runtime=grows(120),
    params:
        data=whole(CONFIG.data),
        files=DATA_FILES,
        judged=lambda wildcards: judged_keys(),
        experiments=lambda wildcards: {key: whole(EXPERIMENTS[key], but=("figures",)) for key in judged_keys()},
        runs=lambda wildcards: {
            key: {name: catalogue.runs_in(EXPERIMENTS, key, name) for name in variants_of(key)}
            for key in judged_keys()
        },
        training={model: training_of(model) for model in FITTED_BY},
        size=CONFIG.experiments.confirmation_size,
        seeds=CONFIG.experiments.seeds,
        seed_scatter=CONFIG.experiments.seed_scatter,
        protocol=part(CONFIG.protocol, *SPLITS),
        bootstrap=whole(CONFIG.bootstrap),
        seed=CONFIG.seed,
        code=code(
            "logg1m.bounds.comparison",
            "logg1m.experiments.confirmation",
            "logg1m.experiments.looks",
            "logg1m.nn.denoisers",
            "logg1m.protocol.members",
            "logg1m.sources",
        ),
    script:
        "../scripts/confirmation.py"
