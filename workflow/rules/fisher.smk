"""MVP-1.1, the Fisher bound.

Requires: the store, the protocol, predictions of the classical models.
Produces: results/mvp_1_1/bounds.parquet and sensitivity.parquet (every low-noise spectrum, three derivative
estimators), bayes.parquet (posteriors of test spectra), magnitude_sweep.json, fisher.json (bounds, agreement, ceilings,
models beside the bounds, each at the largest scale it was trained at, verdict), and the figures.
"""

FISHER_FIGURES = [
    "sigma_vs_error",
    "ratio_histogram",
    "sigma_map",
    "fisher_sensitivity_map",
    "ceiling_vs_snr",
]


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
        data=CONFIG.data.model_dump(mode="json"),
        bounds=CONFIG.bounds.model_dump(
            mode="json",
            include={
                "max_spectra",
                "full_sample",
                "convergence",
                "knn_neighbours",
                "linear_neighbours",
                "linear_degree",
                "max_condition",
            },
        ),
        noise_level=CONFIG.protocol.noise_level,
        seed=CONFIG.seed,
        files=DATA_FILES,
        code=code(
            "logg1m.bounds.convergence", "logg1m.sources", "logg1m.sources.identity"
        ),
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
        data=CONFIG.data.model_dump(mode="json"),
        bayes=CONFIG.bounds.bayes.model_dump(mode="json"),
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
        table=update("results/mvp_1_1/magnitude_sweep.json"),
        figure=update(
            report(
                "results/mvp_1_1/magnitude_sweep.png",
                caption="../report/magnitude_sweep.rst",
                category="Phase 1",
                subcategory="MVP-1.1 Fisher bound",
                labels={"figure": "magnitude_sweep"},
            )
        ),
        csv=update("results/mvp_1_1/magnitude_sweep.csv"),
    log:
        "logs/mvp_1_1/magnitude_sweep.log",
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(3000),
        runtime=grows(30),
    params:
        data=CONFIG.data.model_dump(mode="json"),
        bounds=CONFIG.bounds.model_dump(
            mode="json", include={"sweep_magnitudes", "sweep_stars", "max_condition"}
        ),
        noise_level=CONFIG.protocol.noise_level,
        seed=CONFIG.seed,
        files=DATA_FILES,
        code=code(
            "logg1m.bounds.sweep",
            "logg1m.sources",
            "logg1m.sources.identity",
            "logg1m.spectra.store",
            "logg1m.figures.magnitude_sweep",
        ),
    script:
        "../scripts/magnitude_sweep.py"


rule fisher:
    input:
        manifest="results/data/manifest.json",
        stars="results/mvp_1_1/bounds.parquet",
        sensitivity="results/mvp_1_1/sensitivity.parquet",
        convergence="results/mvp_1_1/convergence.json",
        bayes="results/mvp_1_1/bayes.parquet",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        predictions=[
            "results/mvp_0_b/ridge.parquet",
            f"results/mvp_0_b/lightgbm_{LIGHTGBM_SCALES[-1]}.parquet",
        ],
        lightgbm=f"results/mvp_0_b/lightgbm_{LIGHTGBM_SCALES[-1]}.json",
    output:
        fisher=update("results/mvp_1_1/fisher.json"),
        figures=update(
            [
                report(
                    f"results/mvp_1_1/{name}.png",
                    caption=f"../report/{name}.rst",
                    category="Phase 1",
                    subcategory="MVP-1.1 Fisher bound",
                    labels={"figure": name},
                )
                for name in FISHER_FIGURES
            ]
        ),
        tables=update([f"results/mvp_1_1/{name}.csv" for name in FISHER_FIGURES]),
    log:
        "logs/mvp_1_1/fisher.log",
    conda:
        "../../envs/logg1m.yaml"
    threads: 1
    resources:
        mem_mb=grows(2000 + CONFIG.protocol.scales[-1] // 250),
        runtime=grows(30),
    params:
        scale=CONFIG.protocol.scales[-1],
        lightgbm_scale=LIGHTGBM_SIZES[-1],
        train_fraction=CONFIG.protocol.train_fraction,
        noise_level=CONFIG.protocol.noise_level,
        data=CONFIG.data.model_dump(mode="json"),
        bounds=CONFIG.bounds.model_dump(mode="json"),
        bootstrap=CONFIG.bootstrap.model_dump(mode="json"),
        seed=CONFIG.seed,
        code=code(
            "logg1m.baselines.scaling",
            "logg1m.bounds.comparison",
            "logg1m.bounds.bayes.comparison",
            "logg1m.bounds.bayes.model",
            "logg1m.protocol.members",
            "logg1m.report.bounds_figures",
        ),
    script:
        "../scripts/fisher.py"
