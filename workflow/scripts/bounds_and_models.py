"""Bounds, the ceiling, and the models beside them: what fisher.json holds."""

import pandas as pd

from logg1m.baselines.reports import about_lightgbm
from logg1m.blame import understood
from logg1m.bounds.bayes.comparison import add_bayes
from logg1m.bounds.bayes.model import prior_is_exact, prior_text
from logg1m.bounds.comparison import compare, largest_of_each, note_training
from logg1m.config.bounds import Bootstrap, Bounds
from logg1m.config.data import Data
from logg1m.files import read_json, read_parquet, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.protocol.truths import require_one_truth

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    data, config, bootstrap = Data.of(params.data), Bounds.of(params.bounds), Bootstrap.of(params.bootstrap)
    stars, members = read_parquet(given.stars, ("id",)), read_members(given.members, given.snr)
    wanted = [("scale", "in", sorted({params.scale, params.lightgbm_scale}))]
    columns = ("model", "scale", "id", "truth", "predicted")
    tables = {path: read_parquet(path, columns, wanted) for path in given.predictions}
    table = pd.concat(tables.values(), ignore_index=True)
    predictions, scales = largest_of_each(table)
    choosing = pd.concat([read_parquet(path, columns, wanted) for path in given.selection], ignore_index=True)
    selection, _ = largest_of_each(choosing)
    low, high = data.priors.logg
    fisher = compare(stars, members, predictions, (high - low) ** 2 / 12, config, bootstrap, params.seed, selection)
    fisher["noise_level"] = params.noise_level
    bayes = read_parquet(given.bayes, ("id", "mean", "truth", "var", "ess"))
    require_one_truth({given.bayes: bayes, **tables})
    prior = prior_text(data), selection, prior_is_exact(data)
    add_bayes(fisher, bayes, members, predictions, config, bootstrap, params.seed, *prior)
    with understood(given.lightgbm):
        about = about_lightgbm(read_json(given.lightgbm))
    note_training(fisher, scales, params.scale, params.train_fraction, {"lightgbm": about})
    write_json(snakemake.output[0], fisher)
