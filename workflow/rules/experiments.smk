"""Experiments: every variant and seed is one job; a verdict compares them on the same spectra.

Requires: the store, the protocol, MVP-1.1's sensitivity (for windows), and the recipe of the phase.
Produces: results/<mvp>/<variant>/seed_<k>/{metrics.json, predictions.parquet, …}, results/<mvp>/verdict.json and the
figures that the experiment's file names.
"""

from logg1m.experiments.kinds import modules_of, shows_times
from logg1m.experiments.models import FITTED_BY

MODEL_CODE = {
    model: code("logg1m.experiments.run", "logg1m.protocol.members", module)
    for model, module in FITTED_BY.items()
}
DENOISER_CODE = code("logg1m.nn.denoisers")
RUN_FILES = [
    "metrics.json",
    "predictions.parquet",
    "history.csv",
    "gradient.csv",
    "robustness.parquet",
    "attention.csv",
    "reconstruction.csv",
    "model.safetensors",
    "provenance.json",
]

# What verdicts read of a run beside its metrics.
EVIDENCE_FILES = [
    "predictions.parquet",
    "history.csv",
    "gradient.csv",
    "robustness.parquet",
    "attention.csv",
    "reconstruction.csv",
]


wildcard_constraints:
    mvp=r"mvp_[0-9]_[0-9a-z]",
    variant=r"[A-Za-z0-9_]+",
    seed=r"[0-9]+",


rule run_variant:
    input:
        manifest="results/data/manifest.json",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        bayes="results/mvp_1_1/bayes.parquet",
        recipe=recipe_file,
        sensitivity=sensitivity_file,
        pixels=lambda wildcards: pixels_for(recipe_in_full(wildcards)),
        denoiser=lambda wildcards: denoiser_for(
            recipe_in_full(wildcards), wildcards.seed
        ),
    output:
        update(multiext("results/{mvp}/{variant}/seed_{seed}/", *RUN_FILES)),
    log:
        "logs/{mvp}/{variant}/seed_{seed}.log",
    benchmark:
        "logs/{mvp}/{variant}/seed_{seed}.tsv"
    priority: goes_first
    conda:
        "../../envs/logg1m.yaml"
    threads: lambda wildcards: threads_of(recipe_in_full(wildcards)["model"])
    resources:
        mem_mb=grows(lambda wildcards: memory_of(recipe_in_full(wildcards))),
        runtime=grows(120),
        gpu=lambda wildcards: gpus_of(recipe_in_full(wildcards)["model"]),
    params:
        recipe=CONFIG.experiments.recipe.model_dump(mode="json"),
        change=change_of,
        training=lambda wildcards: training_of(recipe_in_full(wildcards)["model"]),
        protocol=CONFIG.protocol.model_dump(
            mode="json", exclude={"low_noise_fraction", "quantiles"}
        ),
        bootstrap=CONFIG.bootstrap.model_dump(mode="json"),
        bayes=CONFIG.bounds.bayes.model_dump(mode="json", include={"min_reached"}),
        observation=CONFIG.data.observation.model_dump(mode="json"),
        seed=CONFIG.seed,
        code=lambda wildcards: code_of(recipe_in_full(wildcards)),
    script:
        "../scripts/run_variant.py"


rule networks:
    input:
        [
            f"results/{variant.same_as}/seed_0/metrics.json"
            for variant in EXPERIMENTS["mvp_0_b"].variants.values()
        ],
    output:
        update("results/mvp_0_b/networks.json"),
    log:
        "logs/mvp_0_b/networks.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    threads: 1
    params:
        rows=[
            [name, variant.label, variant.same_as]
            for name, variant in EXPERIMENTS["mvp_0_b"].variants.items()
        ],
        code=code("logg1m.files"),
    script:
        "../scripts/networks.py"


rule models:
    input:
        fisher="results/mvp_1_1/fisher.json",
        stars="results/mvp_1_1/bounds.parquet",
        bayes="results/mvp_1_1/bayes.parquet",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        predictions=expand(
            "results/{runs}/seed_0/predictions.parquet", runs=honest_runs()
        ),
    output:
        update("results/mvp_1_1/models.json"),
    log:
        "logs/mvp_1_1/models.log",
    group:
        "verdicts"
    conda:
        "../../envs/logg1m.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000),
        runtime=grows(20),
    params:
        runs=honest_runs(),
        bootstrap=CONFIG.bootstrap.model_dump(mode="json"),
        bayes=CONFIG.bounds.bayes.model_dump(mode="json", include={"min_reached"}),
        seed=CONFIG.seed,
        code=code("logg1m.decisions.models", "logg1m.protocol.members"),
    script:
        "../scripts/models.py"


for key, experiment in EXPERIMENTS.items():

    rule:
        name:
            f"verdict_{key}"
        input:
            manifest="results/data/manifest.json",
            members="results/mvp_0_a/members.parquet",
            snr="results/mvp_0_a/snr.parquet",
            artifact=[experiment.artifact.file] if experiment.artifact else [],
            stars="results/mvp_1_1/bounds.parquet" if experiment.acceptance else [],
            sensitivity=(
                "results/mvp_1_1/sensitivity.parquet" if experiment.acceptance else []
            ),
            pixels="results/mvp_0_a/pixels.parquet" if experiment.acceptance else [],
            denoisers=behind_gate(experiment, denoisers_of(key)),
            metrics=behind_gate(experiment, runs_of(key, "metrics.json")),
            runs=behind_gate(
                experiment,
                [path for name in EVIDENCE_FILES for path in runs_of(key, name)],
            ),
            times=behind_gate(
                experiment,
                runs_of(key, "provenance.json") if shows_times(experiment) else [],
            ),
        output:
            verdict=update(f"results/{key}/verdict.json"),
            figures=update(
                [
                    report(
                        f"results/{key}/{name}.png",
                        caption="../report/experiment.rst",
                        category=f"Phase {experiment.phase}",
                        subcategory=f"MVP-{experiment.id} {experiment.title}",
                        labels={"figure": name},
                    )
                    for name in experiment.figures
                ]
            ),
            tables=update([f"results/{key}/{name}.csv" for name in experiment.figures]),
        log:
            f"logs/{key}/verdict.log",
        group:
            "verdicts"
        conda:
            "../../envs/logg1m.yaml"
        threads: 1
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            experiment=experiment.model_dump(mode="json"),
            model=CONFIG.experiments.recipe.model,
            variants=variants_of(key),
            seeds=CONFIG.experiments.seeds,
            seed_scatter=CONFIG.experiments.seed_scatter,
            bootstrap=CONFIG.bootstrap.model_dump(mode="json"),
            seed=CONFIG.seed,
            origin=asdict(ORIGIN),
            code=code(
                "logg1m.results.origin",
                "logg1m.experiments.judging.evidence",
                "logg1m.experiments.judging.verdict",
                "logg1m.figures.empty",
                *modules_of(experiment),
            ),
        script:
            "../scripts/verdict.py"
