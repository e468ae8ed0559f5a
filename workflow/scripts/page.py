"""The page of results: one self-contained HTML file."""

import sys
from pathlib import Path

from logg1m.config.experiments import Experiment
from logg1m.config.report import Report
from logg1m.files import read_json, read_parquet, write_text
from logg1m.jobs.frame import job
from logg1m.protocol.members import read_members
from logg1m.report.collect import Setting, collect
from logg1m.report.page import models, render
from logg1m.report.page import residuals as plots_residuals
from logg1m.report.page import viewer as plots_spectra
from logg1m.report.page.numbers import Traced
from logg1m.results.origin import Origin
from logg1m.spectra.store import Store

with job(snakemake):
    params, given = snakemake.params, snakemake.input
    setting = Setting(
        report=Report(**params.report),
        paused=tuple(params.paused),
        command=params.command,
        records={key: tuple(paths) for key, paths in params.records.items()},
        scripts=params.scripts,
        identity=params.identity,
        level=params.level,
        origin=Origin(**params.origin),
    )
    experiments = {key: Experiment(**fields) for key, fields in params.experiments.items()}
    roadmap = collect(snakemake.input, experiments, setting)
    store, members = Store(given.manifest), read_members(given.members, given.snr)
    labels = store.labels()
    windows = roadmap.mvp("mvp_1_4")
    viewer = plots_spectra.viewer(
        store,
        members,
        read_parquet(given.pixels, ("wave", "error_mean")),
        read_parquet(given.sensitivity),
        Traced(read_json(windows.verdict), windows.verdict).at("variants") if windows.variants else None,
        params.seed,
        params.noise_level,
    )
    tables = models.predictions(roadmap, given.classical, given.runs, params.scale)
    residuals = plots_residuals.maps({name: table for name, (table, _) in tables.items()}, labels, members)
    files = (given.manifest, given.pixels, given.sensitivity), tuple(dict.fromkeys(file for _, file in tables.values()))
    text = render.within(
        render.LARGEST,
        lambda packing: render.render(roadmap, experiments, viewer, residuals, *files, packing=packing),
    )
    if len(text.encode()) >= render.LARGEST:
        print(
            f"{snakemake.output[0]}: {len(text.encode()) / 1e6:.1f} MB even with the smallest pictures", file=sys.stderr
        )
    write_text(Path(snakemake.output[0]), text)
