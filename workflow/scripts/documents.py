"""The Markdown documents and the experiment index."""

from pathlib import Path

from logg1m.config.experiments import Experiment
from logg1m.config.report import Report
from logg1m.jobs.frame import job
from logg1m.report.collect import Setting, collect
from logg1m.report.markdown import documents
from logg1m.results.origin import Origin

with job(snakemake):
    params = snakemake.params
    report = Report(**params.report)
    setting = Setting(
        report=report,
        paused=tuple(params.paused),
        command=params.command,
        records={key: tuple(paths) for key, paths in params.records.items()},
        scripts=params.scripts,
        identity=params.identity,
        level=params.level,
        origin=Origin(**params.origin),
    )
    experiments = {key: Experiment(**fields) for key, fields in params.experiments.items()}
    folder = Path(snakemake.output.roadmap).parent
    documents.write(collect(snakemake.input, experiments, setting), folder, report.project, folder.parent / ".history")
