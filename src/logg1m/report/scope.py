"""Scope of the experiments that have rules of their own: which models, at which scales, on which test sets."""

from collections.abc import Iterator, Mapping
from typing import Any

from logg1m.results.artifacts import Artifacts, at
from logg1m.results.words import listed, model_name


def scope(name: str, artifacts: Artifacts) -> tuple[tuple[str, str], ...]:
    """Rows (what, words) of an artifact, by its name inside results/; none for one that nothing is known of."""
    content = artifacts.json(name) or {}
    rows = {"mvp_0_a/protocol.json": _protocol, "mvp_0_b/scaling.json": _scaling, "mvp_1_1/fisher.json": _fisher}
    return tuple(rows[name](content, artifacts)) if name in rows and content else ()


def tests_of(name: str, artifacts: Artifacts) -> tuple[int | None, int | None]:
    """Spectra of the full test and of the low-noise test that an artifact's numbers rest on."""
    content = artifacts.json(name) or {}
    if name == "mvp_0_a/protocol.json":
        return at(content, "pools/n_test"), at(content, "low_noise/n_test")
    if name == "mvp_0_b/scaling.json":
        first: Mapping[str, Any] = next(iter(content.get("models", {}).values()), {})
        last = [*first.get("scales", {}).values()][-1:] or [{}]
        return at(last[0], "common_test/full/n"), at(last[0], "common_test/low_noise/n")
    return None, content.get("n_test")


def _protocol(content: Mapping[str, Any], artifacts: Artifacts) -> Iterator[tuple[str, str]]:
    yield "spectra", f"{content.get('n_spectra', 0):,}"
    yield "models", "none: the protocol comes before every model"
    yield from _scales(content)


def _scaling(content: Mapping[str, Any], artifacts: Artifacts) -> Iterator[tuple[str, str]]:
    names = [model_name(name) for name in content.get("models", {})]
    networks = [row["label"] for row in (artifacts.json("mvp_0_b/networks.json") or {}).get("rows", [])]
    yield "models", listed([*names, *networks])
    sizes: dict[str, int] = {}
    for entry in content.get("models", {}).values():
        sizes |= {scale: row["n_train"] for scale, row in entry["scales"].items()}
    yield "scales", ", ".join(f"{scale} ({n:,} for training)" for scale, n in sizes.items())
    yield "noise level", f"{content.get('noise_level', 1):g}"


def _fisher(content: Mapping[str, Any], artifacts: Artifacts) -> Iterator[tuple[str, str]]:
    models = (artifacts.json("mvp_1_1/models.json") or content).get("models", {})
    yield "models", listed([model_name(name) for name in models])
    yield (
        "bounds",
        f"{content.get('n_spectra', 0):,} low-noise spectra; estimators: {listed([_estimator(n) for n in content.get('estimators', {})])}",
    )
    named = at(content, "label_sets/5d/named")
    if named:
        yield "marginalised over", named
    stars = at(content, "ceilings/bayes/low_noise/n_stars")
    if stars:
        yield (
            "Bayes-optimal ceiling",
            f"posteriors of {stars:,} low-noise test stars; prior: {at(content, 'ceilings/bayes/low_noise/prior')}",
        )


def _scales(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    rows = content.get("scales") or {}
    if rows:
        yield (
            "scales",
            ", ".join(f"{name} ({row['n_train']:,} training, {row['n_test']:,} test)" for name, row in rows.items()),
        )


def _estimator(name: str) -> str:
    return {
        "exact": "exact derivatives",
        "local_linear": "local linear regression",
        "knn": "nearest-neighbour differences",
    }.get(name, name)
