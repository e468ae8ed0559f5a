"""MVP-0.B, classical models at every scale.

Requires: the store, the protocol.
Produces: results/mvp_0_b/ridge.json and ridge.parquet (all scales from one pass), lightgbm_<scale>.json and .parquet,
scaling.json. Predictions are on the common test set; ridge_selection.parquet and lightgbm_<scale>_selection.parquet are
those on the validation stars of the largest scale, where the best model is chosen. `baselines.lightgbm_largest` leaves LightGBM out at
the scales above it.
"""

LIGHTGBM_SIZES = [size for size in CONFIG.protocol.scales if size <= (CONFIG.baselines.lightgbm_largest or size)]
LIGHTGBM_SCALES = [scale_name(size) for size in LIGHTGBM_SIZES]
# Predictions of the classical models, each at the largest scale it is trained at.
CLASSICAL = ["results/mvp_0_b/ridge.parquet", f"results/mvp_0_b/lightgbm_{LIGHTGBM_SCALES[-1]}.parquet"]
# The same on validation stars, where the best model is chosen.
CLASSICAL_SELECTION = [path.replace(".parquet", "_selection.parquet") for path in CLASSICAL]


rule ridge:
    input:
        manifest="results/data/manifest.json",
        pixels="results/mvp_0_a/pixels.parquet",
    output:
        report=update("results/mvp_0_b/ridge.json"),
        predictions=update("results/mvp_0_b/ridge.parquet"),
        selection=update("results/mvp_0_b/ridge_selection.parquet"),
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
        ridge=whole(CONFIG.baselines.ridge),
        protocol=part(CONFIG.protocol, *SPLITS),
        seed=CONFIG.seed,
        code=code("logg1m.baselines.ridge"),
    script:
        "../scripts/ridge.py"


rule lightgbm:
    input:
        manifest="results/data/manifest.json",
    output:
        report=update("results/mvp_0_b/lightgbm_{scale}.json"),
        predictions=update("results/mvp_0_b/lightgbm_{scale}.parquet"),
        selection=update("results/mvp_0_b/lightgbm_{scale}_selection.parquet"),
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
        lightgbm=whole(CONFIG.baselines.lightgbm),
        protocol=part(CONFIG.protocol, *SPLITS),
        seed=CONFIG.seed,
        code=code("logg1m.baselines.boosting"),
    script:
        "../scripts/lightgbm.py"


rule scaling:
    input:
        ridge="results/mvp_0_b/ridge.parquet",
        lightgbm=expand("results/mvp_0_b/lightgbm_{scale}.parquet", scale=LIGHTGBM_SCALES),
        ridge_report="results/mvp_0_b/ridge.json",
        lightgbm_reports=expand("results/mvp_0_b/lightgbm_{scale}.json", scale=LIGHTGBM_SCALES),
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
    output:
        update("results/mvp_0_b/scaling.json"),
    log:
        "logs/mvp_0_b/scaling.log",
    conda:
        "../../envs/logg1m.yaml"
    resources:
        mem_mb=grows(4000 + CONFIG.protocol.scales[-1] // 250),
        runtime=grows(60),
    params:
        lightgbm_sizes=LIGHTGBM_SIZES,
        protocol=whole(CONFIG.protocol),
        baselines=part(CONFIG.baselines, "saturation_gain", "saturation_from"),
        bootstrap=whole(CONFIG.bootstrap),
        seed=CONFIG.seed,
        code=code(
            "logg1m.baselines.scaling",
            "logg1m.protocol.members",
            "logg1m.protocol.truths",
        ),
    script:
        "../scripts/scaling.py"
