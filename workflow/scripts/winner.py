"""The best honest model of all phases, chosen on validation stars."""

from pathlib import Path

import pandas as pd

from logg1m.blame import understood
from logg1m.bounds.choice import choose
from logg1m.bounds.comparison import largest_of_each
from logg1m.config.bounds import Bootstrap
from logg1m.config.experiments import Recipe
from logg1m.files import read_json, read_parquet, write_json
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.results.run import METRICS

COLUMNS = ("id", "truth", "predicted")

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    members = read_members(given.members, given.snr)
    base = Recipe.of(params.recipe).model_dump(mode="json")
    selection, changes = {}, {}
    for path in map(Path, given.selection):
        run = path.parents[1].relative_to("results").as_posix()
        with understood(path.with_name(METRICS)):
            recipe = read_json(path.with_name(METRICS), ("recipe",))["recipe"]
            differs = sum(recipe[name] != value for name, value in base.items())
            changes[run] = (recipe["model"], differs)
        selection.setdefault(run, []).append(read_parquet(path, COLUMNS))
    for path in given.classical:
        of_file = largest_of_each(read_parquet(path, ("model", "scale", *COLUMNS)))[0]
        selection |= {name: [table] for name, table in of_file.items()}
    leaks = [leak["model"] for leak in read_json(given.models).get("leaks") or ()]
    low_noise: pd.Series = members["low_noise"]
    choice = choose(selection, low_noise, Bootstrap.of(params.bootstrap), params.seed, changes, leaks)
    write_json(snakemake.output[0], choice | {"left_out_as_leaks": leaks})
