"""MVP-0.A, the low-noise protocol.

Requires: the store.
Produces: results/mvp_0_a/protocol.json (thresholds, pools, scales), members.parquet (pool, rank and flag of every
spectrum), snr.parquet and pixels.parquet (one pass over the store).
"""

# What whoever trains reads of the protocol: pools and splits (`Pools`), and the noise.
SPLITS = ("scales", "train_fraction", "validation_fraction", "validation_max", "noise_level")


rule survey:
    input:
        manifest="results/data/manifest.json",
    output:
        snr=update("results/mvp_0_a/snr.parquet"),
        pixels=update("results/mvp_0_a/pixels.parquet"),
    log:
        "logs/mvp_0_a/snr.log",
    benchmark:
        "logs/mvp_0_a/snr.tsv"
    group:
        "protocol"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(4000),
        runtime=grows(120),
    params:
        protocol=part(CONFIG.protocol, "noise_level"),
        seed=CONFIG.seed,
        code=code("logg1m.protocol.pools"),
    script:
        "../scripts/survey.py"


rule protocol:
    input:
        snr="results/mvp_0_a/snr.parquet",
    output:
        protocol=update("results/mvp_0_a/protocol.json"),
        members=update("results/mvp_0_a/members.parquet"),
    log:
        "logs/mvp_0_a/protocol.log",
    group:
        "protocol"
    conda:
        "../../envs/logg1m.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(20),
    params:
        protocol=whole(CONFIG.protocol),
        source=CONFIG.data.source,
        seed=CONFIG.seed,
        code=code("logg1m.protocol.pools"),
    script:
        "../scripts/protocol.py"
