"""Denoisers: trained once per kind and seed, without labels, frozen, and used by every run whose recipe names them.

Requires: the store and the protocol.
Produces: results/denoisers/<kind>/seed_<k>/, the files that `logg1m.results.denoiser` names.
"""

from typing import get_args

from logg1m.config.denoisers import DenoiserKind


wildcard_constraints:
    kind="|".join(get_args(DenoiserKind)),


rule denoiser:
    input:
        manifest="results/data/manifest.json",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        pixels="results/mvp_0_a/pixels.parquet",
    output:
        update(multiext("results/denoisers/{kind}/seed_{seed}/", *denoiser_files.FILES)),
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
