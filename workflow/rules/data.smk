"""The spectra.

Requires: config data (and the stellar grid in the package, or the user's files).
Produces: results/data/manifest.json, written last; the store results/data/spectra.zarr lies beside it and is no
Snakemake output (the manifest holds its checksums, and every reader checks against them).
"""


rule generate:
    output:
        manifest=update("results/data/manifest.json"),
    log:
        "logs/data/manifest.log",
    benchmark:
        "logs/data/manifest.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(3000),
        runtime=grows(240),
    params:
        data=whole(CONFIG.data),
        seed=CONFIG.seed,
        files=files_behind,
        code=code("logg1m.spectra.generation", "logg1m.sources"),
    script:
        "../scripts/generate.py"
