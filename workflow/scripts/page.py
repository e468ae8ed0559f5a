"""The page of results: one self-contained HTML file."""

import sys
from pathlib import Path

from logg1m.config.experiments import Experiment
from logg1m.files import write_text
from logg1m.jobs.frame import job
from logg1m.report.collect import Context, collect
from logg1m.report.page.make import make
from logg1m.report.page.render import LARGEST

with job(snakemake):
    params = snakemake.params
    experiments = {key: Experiment.of(fields) for key, fields in params.experiments.items()}
    roadmap = collect(snakemake.input, experiments, Context.of(params))
    with roadmap.artifacts.understood():
        text = make(roadmap, experiments, params.scale, params.seed, params.noise_level)
    size = len(text.encode())
    if size >= LARGEST:
        print(f"{snakemake.output[0]}: {size / 1e6:.1f} MB even with the smallest pictures", file=sys.stderr)
    write_text(Path(snakemake.output[0]), text)
