"""Fisher bounds of the low-noise spectra."""

from logg1m.bounds.compute import collect, compute_bounds, select
from logg1m.bounds.convergence import library_convergence
from logg1m.bounds.fisher import prior_ranges
from logg1m.config.bounds import Bounds
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import read_parquet, write_json, write_parquet
from logg1m.jobs.frame import job
from logg1m.observe.survey import Columns
from logg1m.sources import build
from logg1m.sources.identity import require_same
from logg1m.spectra.store import Store

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    data, config = Data.of(params.data), Bounds.of(params.bounds)
    store, source = Store(snakemake.input.manifest), build(data, params.seed, compute)
    require_same(source, store.source, snakemake.input.manifest)
    members = read_parquet(snakemake.input.members, ("id", "pool", "rank", "low_noise"))
    ranges = prior_ranges(data.priors.model_dump())
    library = collect(store, select(members, config.max_spectra, config.full_sample), compute)
    library = library.at_noise(params.noise_level)
    columns = Columns(data.observation.nuisances, store.wave)
    result = compute_bounds(library, source, ranges, config, compute, columns)
    rows = library_convergence(library, result.stars, ranges, config, params.seed, columns)
    write_json(snakemake.output.convergence, {"rows": rows})
    write_parquet(snakemake.output.sensitivity, result.sensitivity)
    write_parquet(snakemake.output.stars, result.stars)
