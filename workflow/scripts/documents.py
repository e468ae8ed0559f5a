"""The Markdown documents and the experiment index."""

from pathlib import Path

from logg1m.config.experiments import Experiment
from logg1m.jobs.frame import job
from logg1m.report.collect import Context, collect
from logg1m.report.markdown import documents

with job(snakemake):
    params = snakemake.params
    context = Context.of(params)
    experiments = {key: Experiment.of(fields) for key, fields in params.experiments.items()}
    roadmap = collect(snakemake.input, experiments, context)
    folder = Path(snakemake.output.roadmap).parent
    with roadmap.artifacts.understood():
        documents.write(roadmap, folder, context.report.project, folder.parent / ".history")
