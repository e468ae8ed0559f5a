"""Ridge at every scale, feature set and penalty."""

from logg1m.baselines import ridge
from logg1m.config.baselines import RidgeConfig
from logg1m.config.compute import Compute
from logg1m.config.protocol import Protocol
from logg1m.files import read_parquet, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.pools import Pools
from logg1m.spectra.store import Store

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    config, protocol = RidgeConfig.of(params.ridge), Protocol.of(params.protocol)
    store = Store(snakemake.input.manifest)
    truth = store.labels()["logg"].to_numpy()
    pools = Pools.of(store, params.seed, protocol)
    pixels = read_parquet(snakemake.input.pixels, ("flux_mean", "flux_std", "error_rms"))
    frame = ridge.Frame.of(pixels, protocol.noise_level)
    moments = ridge.accumulate(store, pools, truth, frame, params.seed, compute)
    fits = ridge.fit_all(moments, pools, frame, config, compute)
    ridge.publish(snakemake.output, store, pools, fits, frame, params.seed, protocol.noise_level, compute)
    write_json(snakemake.output.report, ridge.report(fits, config))
