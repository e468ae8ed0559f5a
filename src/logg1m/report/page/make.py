"""The page of one run: what `collect` gathered, spectra of the store and maps of residuals, made to fit."""

from collections.abc import Mapping

from logg1m.config.experiments import Experiment
from logg1m.figures.ceiling_vs_snr import per_pixel
from logg1m.protocol.members import read_members
from logg1m.report.page import residuals
from logg1m.report.page.render import LARGEST, render, within
from logg1m.report.page.viewer import viewer
from logg1m.report.roadmap import Roadmap
from logg1m.spectra.store import Store

_SPECTRA = ("data/manifest.json", "mvp_0_a/pixels.parquet", "mvp_1_1/sensitivity.parquet")  # what the viewer shows
_MEMBERS = ("mvp_0_a/members.parquet", "mvp_0_a/snr.parquet")


def make(roadmap: Roadmap, experiments: Mapping[str, Experiment], scale: int, seed: int, noise_level: float) -> str:
    """The page as it is written.

    scale : the largest one, in spectra, whose residuals are mapped
    seed, noise_level : of the noise of the spectra shown
    """
    artifacts = roadmap.artifacts
    manifest, pixels, sensitivity = _SPECTRA
    if not all(map(artifacts.there, (*_SPECTRA, *_MEMBERS))):  # a run that has hardly begun
        return within(LARGEST, lambda packing: render(roadmap, experiments, packing=packing))
    members = read_members(*(artifacts.files[name] for name in _MEMBERS))
    store = Store(artifacts.files[manifest])
    windows = artifacts["mvp_1_4/verdict.json"].at("variants") if roadmap.mvp("mvp_1_4").variants else None
    spectra = viewer(
        store,
        members,
        artifacts.parquet(pixels, ("wave", "error_mean")),
        artifacts.parquet(sensitivity),
        windows,
        seed,
        noise_level,
    )
    predicted = residuals.predictions(roadmap, scale)
    maps = residuals.maps({name: table for name, (table, _) in predicted.items()}, store.labels(), members)
    files = tuple(artifacts.files[name] for name in _SPECTRA), tuple(dict.fromkeys(f for _, f in predicted.values()))
    beside = per_pixel(artifacts.parquet(_MEMBERS[1], ("snr", "snr_median")))
    given = (spectra, maps if predicted else None, *files)
    return within(LARGEST, lambda packing: render(roadmap, experiments, *given, packing=packing, per_pixel=beside))
