"""The projection at one scale, on stored spectra."""

from pathlib import Path

from logg1m.config.compute import Compute
from logg1m.config.projection import Projection
from logg1m.config.protocol import Protocol, scale_name
from logg1m.experiments.scales import NAME, projection_at, task_at
from logg1m.files import write_json, write_parquet, write_tensors
from logg1m.jobs.frame import job
from logg1m.spectra.store import Store

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    protocol, configured = Protocol.of(params.protocol), snakemake.config.get("projection", {})
    shape = Projection.of(params.projection).as_in(configured, "training.checkpoint_seconds")
    size = next(s for s in protocol.scales if scale_name(s) == snakemake.wildcards.scale)
    store, state = Store(snakemake.input.manifest), Path("results/.state") / NAME / snakemake.wildcards.scale
    task = task_at(store, size, protocol, shape, params.seed, compute, state, params.code)
    tables, report, tensors = projection_at(task, size)
    for name, table in tables.items():
        write_parquet(getattr(snakemake.output, name), table)
    write_tensors(snakemake.output.model, tensors)
    write_json(snakemake.output.report, report)
