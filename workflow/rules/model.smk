"""The model that a user applies to other spectra: chosen on validation, in a folder of its own.

Requires: winner.json and the saved models of every phase, or (predict.model: projection) the projection of MVP-0.B at the
largest scale; the store and the protocol.
Produces: results/model/, which predicts without the run (`logg1m predict`). `rule all` does not ask for it.
"""

from logg1m.predict.folder import FILES as MODEL_FILES


rule select_model:
    input:
        manifest="results/data/manifest.json",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        pixels="results/mvp_0_a/pixels.parquet",
        sensitivity="results/mvp_1_1/sensitivity.parquet" if FROM_WINNER else [],
        winner="results/confirmation/winner.json" if FROM_WINNER else [],
        models=models_to_choose_from,
        known=beside_them,
    output:
        update([f"results/model/{name}" for name in MODEL_FILES]),
    log:
        "logs/model/select_model.log",
    benchmark:
        "logs/model/select_model.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(6000),
        runtime=grows(120),
    params:
        data=whole(CONFIG.data),
        files=DATA_FILES,
        predict=part(CONFIG.predict, "model", "calibration_size", "bound_stars"),
        projection=projection_settings(),
        network=whole(CONFIG.network, but=("training.checkpoint_seconds",)),
        train_size=dict(CONFIG.experiments.train_size),
        test_size=CONFIG.experiments.test_size,
        protocol=part(CONFIG.protocol, *SPLITS),
        seed=CONFIG.seed,
        code=code("logg1m.predict.choosing", "logg1m.predict.card", "logg1m.protocol.members", "logg1m.sources"),
    script:
        "../scripts/select_model.py"
