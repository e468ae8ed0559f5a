"""The user's own spectra (predict.spectra), in chunks that a cluster works on side by side and that are kept.

Requires: the model folder, the user's files.
Produces: results/predictions/predictions.parquet. `rule all` does not ask for it: `snakemake results/predictions/predictions.parquet`.
"""

ASKED_OF_MODEL = ("frame", "v_los", "rv", "mask_bits", "bound", "estimator")
READERS = [f"logg1m.predict.reading.{name}" for name in ("shards", "arrays", "fits")]


checkpoint plan_predictions:
    input:
        spectra=SPECTRA,
    output:
        update(f"{PREDICTIONS_FOLDER}/plan.json"),
    log:
        "logs/predictions/plan.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    params:
        predict=part(CONFIG.predict, "chunk", "mask_bits"),
        code=code("logg1m.predict.planning", *READERS),
    script:
        "../scripts/plan_predictions.py"


rule predict_chunk:
    input:
        plan=f"{PREDICTIONS_FOLDER}/plan.json",
        spectra=SPECTRA,
        rv=[CONFIG.predict.rv] if CONFIG.predict.rv else [],
        model=[f"results/model/{name}" for name in MODEL_FILES],
    output:
        update(f"{PREDICTIONS_FOLDER}/chunk_{{number}}.parquet"),
    log:
        "logs/predictions/chunk_{number}.log",
    benchmark:
        "logs/predictions/chunk_{number}.tsv"
    wildcard_constraints:
        number=r"[0-9]+",
    conda:
        "../../envs/logg1m.yaml"
    threads: min(CONFIG.compute.threads, 4)
    resources:
        mem_mb=grows(3000),
        runtime=grows(120),
    params:
        predict=part(CONFIG.predict, *ASKED_OF_MODEL),
        code=code("logg1m.predict.running", "logg1m.predict.posterior", "logg1m.predict.astropy_tools", *READERS),
    script:
        "../scripts/predict_chunk.py"


rule predict:
    input:
        chunks_of,
    output:
        update(f"{PREDICTIONS_FOLDER}/predictions.parquet"),
    log:
        "logs/predictions/predictions.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    params:
        code=code("logg1m.predict.planning"),
    script:
        "../scripts/predict.py"
