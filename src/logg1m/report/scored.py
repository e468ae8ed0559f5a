"""Models that are no variants, for the results summary: classical ones, networks of 0.B, combinations."""

from collections.abc import Iterator

from logg1m.report.foundations.scaling import NETWORKS, SCALING
from logg1m.report.roadmap import Scored
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor
from logg1m.results.words import model_name


def scored(artifacts: Artifacts) -> Iterator[Scored]:
    """Each with its metrics on the low-noise test."""
    for block, (model, scale) in artifacts[SCALING].matching("models/*/scales/*/common_test/low_noise"):
        yield _of(block, "0.B", f"{scale} spectra, {model_name(model)}")
    for row, _ in artifacts[NETWORKS].matching("rows/*"):
        if found := row.at("low_noise"):
            yield _of(found, "0.B", f"{row.raw['label']}, {model_name(str(row.raw['model']))}")
    for run in artifacts.of_runs("combination"):
        if found := run.at("low_noise"):
            seed, model = run.file.split("/")[-2].replace("_", " "), str(run.get("recipe", "model"))
            yield _of(found, None, f"combination of D4, {seed}, {model_name(model)}")


def _of(block: Cursor, mvp: str | None, config: str) -> Scored:
    return Scored(mvp, config, *(block.number(metric) for metric in ("r2", "mae", "rmse")))
