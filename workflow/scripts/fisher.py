"""fisher.json and its figures: bounds, ceilings, and the models beside them."""

from pathlib import Path

import pandas as pd

from logg1m.baselines.scaling import about_lightgbm
from logg1m.bounds.bayes.comparison import add_bayes
from logg1m.bounds.bayes.model import prior_is_exact, prior_text
from logg1m.bounds.comparison import compare, largest_of_each, note_training
from logg1m.config.bounds import Bootstrap, Bounds
from logg1m.config.data import Data
from logg1m.files import read_json, read_parquet, understood, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.protocol.truths import require_one_truth
from logg1m.report import bounds_figures

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    data, config, bootstrap = Data(**params.data), Bounds(**params.bounds), Bootstrap(**params.bootstrap)
    stars, members = read_parquet(given.stars, ("id",)), read_members(given.members, given.snr)
    wanted = [("scale", "in", sorted({params.scale, params.lightgbm_scale}))]
    columns = ("model", "scale", "id", "truth", "predicted")
    tables = {path: read_parquet(path, columns, wanted) for path in given.predictions}
    table = pd.concat(tables.values(), ignore_index=True)
    predictions, scales = largest_of_each(table)
    low, high = data.priors.logg
    fisher = compare(stars, members, predictions, (high - low) ** 2 / 12, config, bootstrap, params.seed)
    fisher["library_convergence"] = read_json(given.convergence, ("rows",))["rows"]
    fisher["noise_level"] = params.noise_level
    bayes = read_parquet(given.bayes, ("id", "mean", "truth", "var", "ess"))
    require_one_truth({given.bayes: bayes, **tables})
    add_bayes(
        fisher,
        bayes,
        members,
        predictions,
        config,
        bootstrap,
        params.seed,
        prior_text(data),
        prior_is_exact(data),
    )
    with understood(given.lightgbm):
        about = about_lightgbm(read_json(given.lightgbm))
    note_training(fisher, scales, params.scale, params.train_fraction, {"lightgbm": about})
    folder, reference, best = (
        Path(snakemake.output.fisher).parent,
        fisher["reference_estimator"],
        fisher["verdict"]["model"],
    )
    low_noise = stars[members.loc[stars["id"], "low_noise"].to_numpy(dtype=bool)]
    shown = {name: predictions[name] for name in ("ridge_full", "lightgbm") if name in predictions}
    bounds_figures.sigma_vs_error(low_noise, shown, folder / "sigma_vs_error.png")
    bounds_figures.ratio_histogram(low_noise, predictions[best], best, reference, folder / "ratio_histogram.png")
    bounds_figures.sigma_map(low_noise, reference, folder / "sigma_map.png")
    bounds_figures.sensitivity(read_parquet(given.sensitivity), reference, folder / "fisher_sensitivity_map.png")
    bounds_figures.ceiling_vs_snr(fisher, members, shown, folder / "ceiling_vs_snr.png")
    write_json(snakemake.output.fisher, fisher)
