"""Denoisers: trained once per kind and seed, without labels, frozen, and used by every run whose recipe names them.

Requires: the store and the protocol.
Produces: results/denoisers/<kind>/seed_<k>/{model.safetensors, report.json, history.csv, profile.parquet,
examples.parquet, provenance.json}.
"""

DENOISER_FILES = [
    "model.safetensors",
    "report.json",
    "history.csv",
    "profile.parquet",
    "examples.parquet",
    "provenance.json",
]


wildcard_constraints:
    kind="blind_spot|autoencoder|autoencoder_clean|pca",


rule denoiser:
    input:
        manifest="results/data/manifest.json",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        pixels="results/mvp_0_a/pixels.parquet",
    output:
        update(multiext("results/denoisers/{kind}/seed_{seed}/", *DENOISER_FILES)),
    log:
        "logs/denoisers/{kind}/seed_{seed}.log",
    benchmark:
        "logs/denoisers/{kind}/seed_{seed}.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.network.threads
    resources:
        mem_mb=grows(4000 + CONFIG.denoisers.train_size // 10),
        runtime=grows(120),
        gpu=gpus_of("vit"),
    params:
        denoisers=denoiser_settings,
        protocol=part(CONFIG.protocol, *SPLITS),
        bootstrap=whole(CONFIG.bootstrap),
        seed=CONFIG.seed,
        code=code("logg1m.experiments.denoising.making", "logg1m.protocol.members"),
    script:
        "../scripts/denoiser.py"
