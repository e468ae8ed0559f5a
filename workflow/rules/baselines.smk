"""MVP-0.B, classical models at every scale.

Requires: the store, the protocol.
Produces: results/mvp_0_b/ridge.json and ridge.parquet (all scales from one pass), lightgbm_<scale>.json and .parquet,
scaling.json, and the figures. Predictions are on the common test set. `baselines.lightgbm_largest` leaves LightGBM out at
the scales above it.
"""

LIGHTGBM_SIZES = [
    size
    for size in CONFIG.protocol.scales
    if size <= (CONFIG.baselines.lightgbm_largest or size)
]
LIGHTGBM_SCALES = [scale_name(size) for size in LIGHTGBM_SIZES]


rule ridge:
    input:
        manifest="results/data/manifest.json",
        pixels="results/mvp_0_a/pixels.parquet",
    output:
        report=update("results/mvp_0_b/ridge.json"),
        predictions=update("results/mvp_0_b/ridge.parquet"),
        figure=update(
            report(
                "results/mvp_0_b/ridge_alpha.png",
                caption="../report/ridge_alpha.rst",
                category="Phase 0",
                subcategory="MVP-0.B Baseline bounds and scaling",
                labels={"figure": "ridge_alpha"},
            )
        ),
        csv=update("results/mvp_0_b/ridge_alpha.csv"),
    log:
        "logs/mvp_0_b/ridge.log",
    benchmark:
        "logs/mvp_0_b/ridge.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(2000 + 320 * len(SCALES)),
        runtime=grows(120),
    params:
        ridge=CONFIG.baselines.ridge.model_dump(mode="json"),
        protocol=CONFIG.protocol.model_dump(
            mode="json",
            include={
                "scales",
                "train_fraction",
                "validation_fraction",
                "validation_max",
                "noise_level",
            },
        ),
        seed=CONFIG.seed,
        code=code("logg1m.baselines.ridge", "logg1m.report.baseline_figures"),
    script:
        "../scripts/ridge.py"


rule lightgbm:
    input:
        manifest="results/data/manifest.json",
    output:
        report=update("results/mvp_0_b/lightgbm_{scale}.json"),
        predictions=update("results/mvp_0_b/lightgbm_{scale}.parquet"),
    log:
        "logs/mvp_0_b/lightgbm_{scale}.log",
    benchmark:
        "logs/mvp_0_b/lightgbm_{scale}.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(16000),
        runtime=grows(600),
    params:
        lightgbm=CONFIG.baselines.lightgbm.model_dump(mode="json"),
        protocol=CONFIG.protocol.model_dump(
            mode="json",
            include={
                "scales",
                "train_fraction",
                "validation_fraction",
                "validation_max",
                "noise_level",
            },
        ),
        seed=CONFIG.seed,
        code=code("logg1m.baselines.boosting"),
    script:
        "../scripts/lightgbm.py"


rule scaling:
    input:
        ridge="results/mvp_0_b/ridge.parquet",
        lightgbm=expand(
            "results/mvp_0_b/lightgbm_{scale}.parquet", scale=LIGHTGBM_SCALES
        ),
        ridge_report="results/mvp_0_b/ridge.json",
        lightgbm_reports=expand(
            "results/mvp_0_b/lightgbm_{scale}.json", scale=LIGHTGBM_SCALES
        ),
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
    output:
        scaling=update("results/mvp_0_b/scaling.json"),
        figure=update(
            report(
                "results/mvp_0_b/scaling.png",
                caption="../report/scaling.rst",
                category="Phase 0",
                subcategory="MVP-0.B Baseline bounds and scaling",
                labels={"figure": "scaling"},
            )
        ),
        csv=update("results/mvp_0_b/scaling.csv"),
    log:
        "logs/mvp_0_b/scaling.log",
    conda:
        "../../envs/logg1m.yaml"
    threads: 1
    resources:
        mem_mb=grows(4000 + CONFIG.protocol.scales[-1] // 250),
        runtime=grows(60),
    params:
        lightgbm_sizes=LIGHTGBM_SIZES,
        protocol=CONFIG.protocol.model_dump(mode="json"),
        baselines=CONFIG.baselines.model_dump(
            mode="json", include={"saturation_gain", "saturation_from"}
        ),
        bootstrap=CONFIG.bootstrap.model_dump(mode="json"),
        seed=CONFIG.seed,
        code=code(
            "logg1m.baselines.scaling",
            "logg1m.protocol.members",
            "logg1m.report.baseline_figures",
        ),
    script:
        "../scripts/scaling.py"
