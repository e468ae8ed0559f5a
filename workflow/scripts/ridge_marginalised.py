"""Ridge with the noise marginalised exactly, at every scale and penalty."""

from logg1m.baselines import marginalised, ridge
from logg1m.config.baselines import RidgeConfig
from logg1m.config.compute import Compute
from logg1m.config.protocol import Protocol
from logg1m.files import read_parquet, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.pools import Pools
from logg1m.spectra.store import Store

with job(snakemake):
    params, compute = snakemake.params, Compute.from_job(snakemake)
    store, protocol = Store(snakemake.input.manifest), Protocol.of(params.protocol)
    config = RidgeConfig(alphas=RidgeConfig.of(params.ridge).alphas, pca=())
    truth = store.labels()["logg"].to_numpy()
    pools = Pools.of(store, params.seed, protocol)
    frame = ridge.Frame.of(
        read_parquet(snakemake.input.pixels, ("flux_mean", "flux_std", "error_rms")), protocol.noise_level
    )
    moments = marginalised.accumulate(store, pools, truth, frame, compute)
    fits = marginalised.named(ridge.fit_all(moments, pools, frame, config, compute))
    ridge.publish(snakemake.output, store, pools, fits, frame, params.seed, protocol.noise_level, compute)
    write_json(snakemake.output.report, ridge.report(fits, config, noise_is_penalty=True))
