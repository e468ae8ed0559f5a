"""Experiments: every variant and seed is one job; a verdict compares them on the same spectra.

Requires: the store, the protocol, MVP-1.1's sensitivity (for windows), and the recipe of the phase.
Produces: results/<mvp>/<variant>/seed_<k>/{metrics.json, predictions.parquet, …}, results/<mvp>/verdict.json and the
figures that the experiment's file names.
"""

MODEL_CODE = {
    "ridge": code("logg1m.experiments.run"),
    "lightgbm": code("logg1m.experiments.run"),
    "vit": code("logg1m.experiments.run"),
}
RUN_FILES = [
    "metrics.json",
    "predictions.parquet",
    "history.csv",
    "model.safetensors",
    "provenance.json",
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
        recipe=recipe_file,
        sensitivity=sensitivity_file,
    output:
        update(multiext("results/{mvp}/{variant}/seed_{seed}/", *RUN_FILES)),
    log:
        "logs/{mvp}/{variant}/seed_{seed}.log",
    benchmark:
        "logs/{mvp}/{variant}/seed_{seed}.tsv"
    priority: goes_first
    conda:
        "../../envs/logg1m.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        recipe=CONFIG.experiments.recipe.model_dump(mode="json"),
        change=change_of,
        training=lambda wildcards: training_of(recipe_in_full(wildcards)["model"]),
        protocol=CONFIG.protocol.model_dump(
            mode="json", exclude={"low_noise_fraction", "quantiles"}
        ),
        bootstrap=CONFIG.bootstrap.model_dump(mode="json"),
        observation=CONFIG.data.observation.model_dump(mode="json"),
        seed=CONFIG.seed,
        code=lambda wildcards: MODEL_CODE[recipe_in_full(wildcards)["model"]],
    script:
        "../scripts/run_variant.py"


for key, experiment in EXPERIMENTS.items():

    rule:
        name:
            f"verdict_{key}"
        input:
            manifest="results/data/manifest.json",
            members="results/mvp_0_a/members.parquet",
            snr="results/mvp_0_a/snr.parquet",
            artifact=[experiment.artifact.file] if experiment.artifact else [],
            predictions=behind_gate(experiment, runs_of(key, "predictions.parquet")),
            metrics=behind_gate(experiment, runs_of(key, "metrics.json")),
        output:
            verdict=update(f"results/{key}/verdict.json"),
            figures=update(
                expand(
                    f"results/{key}/{{name}}.{{ext}}",
                    name=experiment.figures,
                    ext=["png", "csv"],
                )
            ),
        log:
            f"logs/{key}/verdict.log",
        conda:
            "../../envs/logg1m.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            experiment=experiment.model_dump(mode="json"),
            model=CONFIG.experiments.recipe.model,
            variants=variants_of(key),
            seeds=CONFIG.experiments.seeds,
            seed_scatter=CONFIG.experiments.seed_scatter,
            bootstrap=CONFIG.bootstrap.model_dump(mode="json"),
            seed=CONFIG.seed,
            code=code("logg1m.experiments.verdict", "logg1m.report.experiment_figures"),
        script:
            "../scripts/verdict.py"
