"""MVP-0.B, classical models at every scale.

Requires: the store, the protocol.
Produces: results/mvp_0_b/ridge.json and ridge.parquet (all scales from one pass), lightgbm_<scale>.json and .parquet;
beside these, which have one frozen draw of noise per training spectrum as published work has, ridge_marginalised.json
and .parquet (the noise marginalised exactly) and lightgbm_draws_<scale>.json and .parquet (several draws);
scaling.json. And projection_<scale>.json and .parquet: a projection onto the subspace of the models, no classical model and
without a vote on whether these have a ceiling; each scale is a rule of its own. Predictions are on the common test set;
<name>_selection.parquet are those on the validation stars of the largest scale, where the best model is chosen (for D1 among
those of the published protocol, for the answer among all), and <name>.safetensors the fitted models, of ridge those of the
largest scale.
`baselines.lightgbm_largest` and `lightgbm_draws_largest` leave LightGBM out at the scales above them.
"""

LIGHTGBM_SIZES = [size for size in CONFIG.protocol.scales if size <= (CONFIG.baselines.lightgbm_largest or size)]
LIGHTGBM_SCALES = [scale_name(size) for size in LIGHTGBM_SIZES]
DRAWS_SIZES = [size for size in LIGHTGBM_SIZES if size <= (CONFIG.baselines.lightgbm_draws_largest or size)]
DRAWS_SCALES = [scale_name(size) for size in DRAWS_SIZES]
DRAWS_ROWS = CONFIG.baselines.lightgbm_draws * max(DRAWS_SIZES, default=0)
SIZES = dict(zip(SCALES, CONFIG.protocol.scales))
RIDGES = ["ridge", "ridge_marginalised"]
# Predictions of the classical models of the published protocol, each at the largest scale it is trained at, and of the
# projection.
CLASSICAL = [
    "results/mvp_0_b/ridge.parquet",
    f"results/mvp_0_b/lightgbm_{LIGHTGBM_SCALES[-1]}.parquet",
    f"results/mvp_0_b/projection_{SCALES[-1]}.parquet",
]
# The same on validation stars, where the best model is chosen.
CLASSICAL_SELECTION = [path.replace(".parquet", "_selection.parquet") for path in CLASSICAL]
# All classical models, those with more than one draw of noise too, for the answer.
EVERY_CLASSICAL = CLASSICAL + ["results/mvp_0_b/ridge_marginalised.parquet"]
EVERY_CLASSICAL += [f"results/mvp_0_b/lightgbm_draws_{scale}.parquet" for scale in DRAWS_SCALES[-1:]]


rule ridge:
    input:
        manifest="results/data/manifest.json",
        pixels="results/mvp_0_a/pixels.parquet",
    output:
        report=update("results/mvp_0_b/ridge.json"),
        predictions=update("results/mvp_0_b/ridge.parquet"),
        selection=update("results/mvp_0_b/ridge_selection.parquet"),
        model=update("results/mvp_0_b/ridge.safetensors"),
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
        model=update("results/mvp_0_b/lightgbm_{scale}.safetensors"),
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
        draws=1,
        protocol=part(CONFIG.protocol, *SPLITS),
        seed=CONFIG.seed,
        code=code("logg1m.baselines.boosting"),
    script:
        "../scripts/lightgbm.py"


rule ridge_marginalised:
    input:
        manifest="results/data/manifest.json",
        pixels="results/mvp_0_a/pixels.parquet",
    output:
        report=update("results/mvp_0_b/ridge_marginalised.json"),
        predictions=update("results/mvp_0_b/ridge_marginalised.parquet"),
        selection=update("results/mvp_0_b/ridge_marginalised_selection.parquet"),
        model=update("results/mvp_0_b/ridge_marginalised.safetensors"),
    log:
        "logs/mvp_0_b/ridge_marginalised.log",
    benchmark:
        "logs/mvp_0_b/ridge_marginalised.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(2000 + 320 * len(SCALES)),
        runtime=grows(120),
    params:
        ridge=part(CONFIG.baselines.ridge, "alphas"),
        protocol=part(CONFIG.protocol, *SPLITS),
        seed=CONFIG.seed,
        code=code("logg1m.baselines.marginalised"),
    script:
        "../scripts/ridge_marginalised.py"


use rule lightgbm as lightgbm_draws with:
    output:
        report=update("results/mvp_0_b/lightgbm_draws_{scale}.json"),
        predictions=update("results/mvp_0_b/lightgbm_draws_{scale}.parquet"),
        selection=update("results/mvp_0_b/lightgbm_draws_{scale}_selection.parquet"),
        model=update("results/mvp_0_b/lightgbm_draws_{scale}.safetensors"),
    log:
        "logs/mvp_0_b/lightgbm_draws_{scale}.log",
    benchmark:
        "logs/mvp_0_b/lightgbm_draws_{scale}.tsv"
    resources:
        mem_mb=grows(16000 * max(1, DRAWS_ROWS / 1_000_000)),
        runtime=grows(600 * CONFIG.baselines.lightgbm_draws),
    params:
        lightgbm=whole(CONFIG.baselines.lightgbm),
        draws=CONFIG.baselines.lightgbm_draws,
        protocol=part(CONFIG.protocol, *SPLITS),
        seed=CONFIG.seed,
        code=code("logg1m.baselines.boosting"),


rule projection:
    input:
        manifest="results/data/manifest.json",
    output:
        report=update("results/mvp_0_b/projection_{scale}.json"),
        predictions=update("results/mvp_0_b/projection_{scale}.parquet"),
        selection=update("results/mvp_0_b/projection_{scale}_selection.parquet"),
        model=update("results/mvp_0_b/projection_{scale}.safetensors"),
    log:
        "logs/mvp_0_b/projection_{scale}.log",
    benchmark:
        "logs/mvp_0_b/projection_{scale}.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.projection.threads
    resources:
        mem_mb=grows(lambda wildcards: 4000 + 8e-6 * PIXELS * SIZES[wildcards.scale]),
        runtime=grows(240),
    params:
        projection=projection_settings(),
        protocol=part(CONFIG.protocol, *SPLITS),
        seed=CONFIG.seed,
        code=code("logg1m.experiments.scales"),
    script:
        "../scripts/projection.py"


rule scaling:
    input:
        ridge=expand("results/mvp_0_b/{name}.parquet", name=RIDGES),
        lightgbm=expand("results/mvp_0_b/lightgbm_{scale}.parquet", scale=LIGHTGBM_SCALES),
        draws=expand("results/mvp_0_b/lightgbm_draws_{scale}.parquet", scale=DRAWS_SCALES),
        projection=expand("results/mvp_0_b/projection_{scale}.parquet", scale=SCALES),
        ridge_reports=expand("results/mvp_0_b/{name}.json", name=RIDGES),
        lightgbm_reports=expand("results/mvp_0_b/lightgbm_{scale}.json", scale=LIGHTGBM_SCALES),
        draws_reports=expand("results/mvp_0_b/lightgbm_draws_{scale}.json", scale=DRAWS_SCALES),
        projection_reports=expand("results/mvp_0_b/projection_{scale}.json", scale=SCALES),
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
        draws_sizes=DRAWS_SIZES,
        protocol=whole(CONFIG.protocol),
        baselines=part(
            CONFIG.baselines,
            "saturation_gain",
            "saturation_from",
            "saturation_to",
            "lightgbm_draws",
        ),
        bootstrap=whole(CONFIG.bootstrap),
        seed=CONFIG.seed,
        code=code(
            "logg1m.baselines.scaling",
            "logg1m.protocol.members",
            "logg1m.protocol.truths",
        ),
    script:
        "../scripts/scaling.py"
