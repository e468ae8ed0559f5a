"""MVP-1.1, the Fisher bound.

Requires: the store, the protocol, predictions of the classical models.
Produces: results/mvp_1_1/bounds.parquet and sensitivity.parquet (every low-noise spectrum, three derivative
estimators), bayes.parquet (posteriors of test spectra), magnitude_sweep.json, requirements.json (what calibration,
dereddening and velocities have to be good to), and bounds_and_models.json (bounds,
agreement, ceilings, models beside the bounds, each at the largest scale it was trained at, verdict).
"""

# Bounds, agreement, ceilings and models beside the bounds. Everything below reads them here; fisher.json is a copy that
# is there once the figures are (figures.smk).
NUMBERS = "results/mvp_1_1/bounds_and_models.json"


rule bounds:
    input:
        manifest="results/data/manifest.json",
        members="results/mvp_0_a/members.parquet",
    output:
        stars=update("results/mvp_1_1/bounds.parquet"),
        sensitivity=update("results/mvp_1_1/sensitivity.parquet"),
        convergence=update("results/mvp_1_1/convergence.json"),
    log:
        "logs/mvp_1_1/bounds.log",
    benchmark:
        "logs/mvp_1_1/bounds.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(4000),
        runtime=grows(60),
    params:
        data=whole(CONFIG.data),
        bounds=part(
            CONFIG.bounds,
            "max_spectra",
            "full_sample",
            "convergence",
            "knn_neighbours",
            "linear_neighbours",
            "linear_degree",
            "max_condition",
        ),
        noise_level=CONFIG.protocol.noise_level,
        seed=CONFIG.seed,
        files=DATA_FILES,
        code=code("logg1m.bounds.convergence", "logg1m.sources", "logg1m.sources.identity"),
    script:
        "../scripts/bounds.py"


rule bayes:
    input:
        manifest="results/data/manifest.json",
        members="results/mvp_0_a/members.parquet",
    output:
        update("results/mvp_1_1/bayes.parquet"),
    log:
        "logs/mvp_1_1/bayes.log",
    benchmark:
        "logs/mvp_1_1/bayes.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(4000),
        runtime=grows(240),
    params:
        data=whole(CONFIG.data),
        bayes=whole(CONFIG.bounds.bayes),
        noise_level=CONFIG.protocol.noise_level,
        seed=CONFIG.seed,
        files=DATA_FILES,
        code=code(
            "logg1m.bounds.bayes.posterior",
            "logg1m.bounds.compute",
            "logg1m.sources",
            "logg1m.sources.identity",
        ),
    script:
        "../scripts/bayes.py"


rule magnitude_sweep:
    input:
        manifest="results/data/manifest.json",
    output:
        update("results/mvp_1_1/magnitude_sweep.json"),
    log:
        "logs/mvp_1_1/magnitude_sweep.log",
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(3000),
        runtime=grows(30),
    params:
        data=whole(CONFIG.data),
        bounds=part(CONFIG.bounds, "sweep_magnitudes", "sweep_stars", "max_condition"),
        noise_level=CONFIG.protocol.noise_level,
        seed=CONFIG.seed,
        files=DATA_FILES,
        code=code("logg1m.bounds.sweep", "logg1m.sources", "logg1m.sources.identity", "logg1m.spectra.store"),
    script:
        "../scripts/magnitude_sweep.py"


rule requirements:
    input:
        manifest="results/data/manifest.json",
        members="results/mvp_0_a/members.parquet",
    output:
        update("results/mvp_1_1/requirements.json"),
    log:
        "logs/mvp_1_1/requirements.log",
    benchmark:
        "logs/mvp_1_1/requirements.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(4000),
        runtime=grows(240),
    params:
        data=whole(CONFIG.data),
        requirements=whole(CONFIG.requirements),
        bayes=whole(CONFIG.bounds.bayes),
        max_condition=CONFIG.bounds.max_condition,
        bootstrap=whole(CONFIG.bootstrap),
        noise_level=CONFIG.protocol.noise_level,
        seed=CONFIG.seed,
        files=DATA_FILES,
        code=code(
            "logg1m.bounds.requirements",
            "logg1m.bounds.compute",
            "logg1m.sources",
            "logg1m.sources.identity",
            "logg1m.spectra.store",
        ),
    script:
        "../scripts/requirements.py"


rule bounds_and_models:
    input:
        stars="results/mvp_1_1/bounds.parquet",
        bayes="results/mvp_1_1/bayes.parquet",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        predictions=CLASSICAL,
        selection=CLASSICAL_SELECTION,
        lightgbm=f"results/mvp_0_b/lightgbm_{LIGHTGBM_SCALES[-1]}.json",
    output:
        update(NUMBERS),
    log:
        "logs/mvp_1_1/bounds_and_models.log",
    conda:
        "../../envs/logg1m.yaml"
    resources:
        mem_mb=grows(2000 + CONFIG.protocol.scales[-1] // 250),
        runtime=grows(30),
    params:
        scale=CONFIG.protocol.scales[-1],
        lightgbm_scale=LIGHTGBM_SIZES[-1],
        train_fraction=CONFIG.protocol.train_fraction,
        noise_level=CONFIG.protocol.noise_level,
        data=whole(CONFIG.data),
        bounds=whole(CONFIG.bounds),
        bootstrap=whole(CONFIG.bootstrap),
        seed=CONFIG.seed,
        code=code(
            "logg1m.baselines.reports",
            "logg1m.bounds.comparison",
            "logg1m.bounds.bayes.comparison",
            "logg1m.bounds.bayes.model",
            "logg1m.protocol.members",
            "logg1m.protocol.truths",
        ),
    script:
        "../scripts/bounds_and_models.py"
