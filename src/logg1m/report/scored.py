"""Models that are no variant of an experiment, for the results summary: classical ones, networks of 0.B, combinations."""

from collections.abc import Iterator

from logg1m.report.roadmap import Scored
from logg1m.report.tables import matching
from logg1m.results.artifacts import Artifacts, at, number
from logg1m.results.words import model_name

SCALING, NETWORKS = "mvp_0_b/scaling.json", "mvp_0_b/networks.json"


def scored(artifacts: Artifacts) -> Iterator[Scored]:
    """Each with its metrics on the low-noise test."""
    for path, (model, scale) in matching(artifacts.json(SCALING) or {}, "models/*/scales/*/common_test/low_noise"):
        yield _of(artifacts, SCALING, path, "0.B", f"{scale} spectra, {model_name(model)}")
    for path, (row,) in matching(artifacts.json(NETWORKS) or {}, "rows/*/low_noise"):
        about = at(artifacts.json(NETWORKS), f"rows/{row}")
        yield _of(artifacts, NETWORKS, path, "0.B", f"{about['label']}, {model_name(str(about['model']))}")
    for name in artifacts.under("combination", "/metrics.json"):
        content, seed = artifacts.json(name), name.split("/")[-2].replace("_", " ")
        if at(content, "low_noise"):
            model = model_name(str(at(content, "recipe/model")))
            yield _of(artifacts, name, "low_noise", None, f"combination of D4, {seed}, {model}")


def _of(artifacts: Artifacts, name: str, path: str, mvp: str | None, config: str) -> Scored:
    content, file = artifacts.json(name), artifacts.files[name]
    r2, mae, rmse = (number(content, f"{path}/{metric}", file) for metric in ("r2", "mae", "rmse"))
    return Scored(mvp, config, r2, mae, rmse)
