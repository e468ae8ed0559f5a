"""Experiments: every variant and seed is one job; a verdict compares them on the same spectra.

Requires: the store, the protocol, MVP-1.1's sensitivity (for windows), and the recipe of the phase.
Produces: results/<mvp>/<variant>/seed_<k>/{metrics.json, predictions.parquet, …}, results/<mvp>/verdict.json; of the
best model of Phases 0 and 1, where its error lies (results/mvp_1_1/errors.json).
"""

from logg1m.experiments.extras import modules_of
from logg1m.experiments.models import FITTED_BY, modules_behind

# All that a run reaches: a change of what evaluates runs it again, and it finds its trained model in results/.state.
MODEL_CODE = {
    model: code("logg1m.experiments.run", "logg1m.protocol.members", *modules_behind(model)) for model in FITTED_BY
}
DENOISER_CODE = code("logg1m.nn.denoisers")
STREAM_CODE = code("logg1m.sources.streamed", "logg1m.sources.embedded", "logg1m.sources.bosz.source")


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
        denoiser=lambda wildcards: denoiser_for(recipe_in_full(wildcards), wildcards.seed),
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
        recipe=whole(CONFIG.experiments.recipe),
        change=change_of,
        training=lambda wildcards: training_for(recipe_in_full(wildcards)),
        protocol=part(CONFIG.protocol, *SPLITS),
        bootstrap=whole(CONFIG.bootstrap),
        bayes=part(CONFIG.bounds.bayes, "min_reached"),
        observation=whole(CONFIG.data.observation),
        data=lambda wildcards: whole(CONFIG.data) if is_simulated(recipe_in_full(wildcards)) else {},
        seed=CONFIG.seed,
        code=lambda wildcards: code_of(recipe_in_full(wildcards)),
    script:
        "../scripts/run_variant.py"


rule networks:
    input:
        [f"results/{variant.same_as}/seed_0/{METRICS}" for variant in EXPERIMENTS["mvp_0_b"].variants.values()],
    output:
        update("results/mvp_0_b/networks.json"),
    log:
        "logs/mvp_0_b/networks.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    params:
        rows=[[name, variant.label, variant.same_as] for name, variant in EXPERIMENTS["mvp_0_b"].variants.items()],
        code=code("logg1m.files"),
    script:
        "../scripts/networks.py"


rule models:
    input:
        fisher=NUMBERS,
        stars="results/mvp_1_1/bounds.parquet",
        bayes="results/mvp_1_1/bayes.parquet",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        predictions=[f"results/{run}/{PREDICTIONS}" for run in seeds_of(honest_runs())],
        selection=[f"results/{run}/selection.parquet" for run in seeds_of(honest_runs())],
        classical=CLASSICAL_SELECTION,
    output:
        update("results/mvp_1_1/models.json"),
    log:
        "logs/mvp_1_1/models.log",
    conda:
        "../../envs/logg1m.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(20),
    params:
        runs=[str(Path(run).parent) for run in seeds_of(honest_runs())],
        changes=honest_runs(),
        bootstrap=whole(CONFIG.bootstrap),
        bayes=part(CONFIG.bounds.bayes, "min_reached"),
        seed=CONFIG.seed,
        code=code(
            "logg1m.decisions.models",
            "logg1m.protocol.members",
            "logg1m.protocol.truths",
        ),
    script:
        "../scripts/models.py"


rule errors:
    input:
        models="results/mvp_1_1/models.json",
        manifest="results/data/manifest.json",
        bayes="results/mvp_1_1/bayes.parquet",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        classical=CLASSICAL,
        runs=expand("results/{run}/seed_0/{file}", run=honest_runs(), file=PREDICTIONS),
    output:
        update("results/mvp_1_1/errors.json"),
    log:
        "logs/mvp_1_1/errors.log",
    conda:
        "../../envs/logg1m.yaml"
    resources:
        mem_mb=grows(2000 + CONFIG.protocol.scales[-1] // 250),
        runtime=grows(20),
    params:
        runs=list(honest_runs()),
        bootstrap=whole(CONFIG.bootstrap),
        bayes=part(CONFIG.bounds.bayes, "min_reached", "n_full"),
        seed=CONFIG.seed,
        code=code(
            "logg1m.bounds.comparison",
            "logg1m.bounds.efficiency",
            "logg1m.experiments.anatomy",
            "logg1m.protocol.members",
            "logg1m.spectra.store",
        ),
    script:
        "../scripts/errors.py"


for key, experiment in EXPERIMENTS.items():

    rule:
        name:
            f"verdict_{key}"
        input:
            **evidence_of(key),
            artifact=[numbers_of(experiment.artifact)] if experiment.artifact else [],
        output:
            update(f"results/{key}/verdict.json"),
        log:
            f"logs/{key}/verdict.log",
        conda:
            "../../envs/logg1m.yaml"
        resources:
            mem_mb=grows(2000),
            runtime=grows(30),
        params:
            experiment=whole(experiment, but=("figures",)),
            model=CONFIG.experiments.recipe.model,
            variants=variants_of(key),
            seeds=seeds_in(key),
            seed_scatter=CONFIG.experiments.seed_scatter,
            bootstrap=whole(CONFIG.bootstrap),
            seed=CONFIG.seed,
            origin=asdict(ORIGIN),
            code=code(
                "logg1m.results.origin",
                "logg1m.experiments.extras",
                "logg1m.experiments.judging.evidence",
                "logg1m.experiments.judging.verdict",
                *modules_of(experiment),
            ),
        script:
            "../scripts/verdict.py"
