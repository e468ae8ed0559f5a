"""Posteriors of log g of low-noise and other test spectra, for the Bayes-optimal ceiling."""

from logg1m.bounds.bayes.model import library_of, model_of
from logg1m.bounds.bayes.posterior import Stars, posterior
from logg1m.bounds.compute import collect, select
from logg1m.config.bayes import BayesConfig
from logg1m.config.compute import Compute
from logg1m.config.data import Data
from logg1m.files import read_parquet, write_parquet
from logg1m.jobs.frame import job
from logg1m.observe.survey import Columns
from logg1m.sources import build
from logg1m.sources.identity import require_same
from logg1m.spectra.amplitude import is_free
from logg1m.spectra.store import Store

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    config, store = BayesConfig.of(params.bayes), Store(snakemake.input.manifest)
    data = Data.of(params.data)
    members = read_parquet(snakemake.input.members, ("id", "pool", "rank", "low_noise"))
    ids = select(members[members["pool"] == "test"], config.n_stars, config.n_full)
    seen = collect(store, ids, compute)
    about = params.noise_level, params.seed, is_free(store)
    stars = Stars.observed(ids, seen.labels[:, 1], seen.flux, seen.error, *about)
    source = build(data, params.seed, compute)
    require_same(source, store.source, snakemake.input.manifest)
    model = model_of(source)
    library = library_of(data, store, model, config, params.seed)
    columns = Columns(data.observation.nuisances, store.wave)
    write_parquet(snakemake.output[0], posterior(stars, model, library, config, params.seed, compute, columns))
