"""The spectra.

Requires: config data (and the stellar grid in the package, or the user's files).
Produces: results/data/manifest.json, written last; the store results/data/spectra.zarr lies beside it and is no
Snakemake output (the manifest holds its checksums, and every reader checks against them).
"""

from logg1m.files import InputError
from logg1m.sources.identity import stamp

# The users' own files: one that is replaced or added makes the spectra anew, and with them all that builds the source.
DATA_FILES = stamp(CONFIG.data)


def files_behind(wildcards):
    """DATA_FILES, once it is clear that results which lie here already are this configuration's or will be remade."""
    if workflow.is_main_process and not workflow.dag_settings.forceall:
        triggers = {trigger.name for trigger in workflow.rerun_triggers}
        try:
            ORIGIN.require_recorded(
                Path("results"), Path(".snakemake/metadata"), "PARAMS" in triggers
            )
        except InputError as error:
            raise WorkflowError(str(error))
    return DATA_FILES


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
        data=CONFIG.data.model_dump(mode="json"),
        seed=CONFIG.seed,
        files=files_behind,
        code=code("logg1m.spectra.generation", "logg1m.sources"),
    script:
        "../scripts/generate.py"
