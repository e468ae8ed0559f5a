"""results/report/index.html: one self-contained page, from what `collect` gathered and a few spectra of the store.

It opens from disk and asks the network for nothing: style, script, plotting library and data all lie inside. Text
from data or configuration is escaped by Jinja2; JSON is embedded so that no string in it can end its element.
"""

import base64
import gzip
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from logg1m.config.experiments import Experiment
from logg1m.figures.ceiling_vs_snr import PerPixel
from logg1m.figures.interactive import Plot
from logg1m.report.foundations.fisher import FISHER
from logg1m.report.page import numbers
from logg1m.report.page import parts as page_parts
from logg1m.report.page.pictures import PACKINGS, Packing
from logg1m.report.roadmap import Roadmap
from logg1m.report.templates import PAGE
from logg1m.results.conditions import NAME as CONDITIONS
from logg1m.results.words import METRIC, OUTCOME, STATISTIC, SUBSET, duration, model_name

LARGEST = 8_000_000  # bytes of the page


def render(
    roadmap: Roadmap,
    experiments: Mapping[str, Experiment],
    viewer: Mapping[str, Any] | None = None,
    residuals: Mapping[str, Any] | None = None,
    viewer_files: tuple[str, ...] = (),
    residual_files: tuple[str, ...] = (),
    packing: Packing = PACKINGS[0],
    per_pixel: PerPixel = (),
) -> str:
    """The page.

    Parameters
    ----------
    roadmap : see `collect.collect`
    experiments : by key
    viewer, residuals : see `viewer.viewer` and `residuals.maps`; None leaves their parts out
    viewer_files, residual_files : the artifacts that these two were made from
    packing : how pictures are packed
    per_pixel : median S/N per pixel at values of ‖flux‖/‖error‖; none leaves the second axis out
    """
    parts = [page_parts.part(mvp, experiments, roadmap, packing) for mvp in roadmap.mvps]
    main_figures = page_parts.main_figures(roadmap, experiments, per_pixel)
    drawn = [*main_figures, *(f for part in parts for f in part.figures if isinstance(f, Plot))]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            roadmap=roadmap,
            css=Markup((PAGE / "page.css").read_text(encoding="utf-8")),
            script=Markup("".join((PAGE / name).read_text(encoding="utf-8") for name in ("page.js", "tables.js"))),
            plotly=Markup(plotting_library()),
            drawing=page_parts.drawing(roadmap, experiments),
            phases=sorted({mvp.phase for mvp in roadmap.mvps}),
            kanban=page_parts.kanban(roadmap),
            keys={mvp.id: mvp.key for mvp in roadmap.mvps},
            main_figures=main_figures,
            parts=parts,
            forecast_figures=page_parts.of_forecast(roadmap, experiments, packing),
            figure_data={figure.key: figure.spec for figure in drawn},
            viewer=viewer,
            viewer_files=viewer_files,
            residuals=residuals,
            residual_files=residual_files,
            ruler=page_parts.ruler(roadmap.answer),
            source=roadmap.artifacts["data/manifest.json"].get("source", "kind"),
            measured_of={d.name: page_parts.measured_of(d, roadmap) for d in roadmap.decisions},
            **_ratio(roadmap),
            bins_of=page_parts.bins_of,
            low_noise=page_parts.low_noise(roadmap),
            words=page_parts.words(roadmap),
            syncing=any(c.synced for c in roadmap.conclusions),
            seed=dict(roadmap.identity).get("seed"),
            conditions=dict(roadmap.identity).get(CONDITIONS),
            level=f"{100 * roadmap.level:g} %",
        )
    )


def within(limit: int, draw: Callable[[Packing], str]) -> str:
    """The page with the least lossy pictures that keep it below `limit` bytes; with the smallest ones if none do.

    draw : makes the page with pictures packed in one way
    """
    text = ""
    for packing in PACKINGS:
        text = draw(packing)
        if len(text.encode()) < limit:
            break
    return text


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "show": numbers.show,
        "point": numbers.point,
        "cell": numbers.cell,
        "file": numbers.file_link,
        "glossed": numbers.glossed,
        "begun": lambda words: words[:1].upper() + words[1:],
        "outcome": lambda name: OUTCOME.get(name, name),
        "embedded": embedded,
        "yaml": _yaml,
        "duration": duration,
        "metric": lambda name: METRIC.get(name, name),
        "subset": lambda name: SUBSET.get(name, name),
        "model": model_name,
    }
    return environment


def embedded(value: Any) -> Markup:
    """JSON for a script element: no `<` in it, so that nothing inside can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


@cache
def plotting_library() -> str:
    """plotly.js as base64 of gzip, which the page unpacks: 2 MB in place of 5; the same bytes every time."""
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), mtime=0)).decode()


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True).removesuffix("\n...\n").strip()


def _ratio(roadmap: Roadmap) -> dict[str, Any]:
    """Error over bound of the best model: as D1 has it, which saw networks too, else as MVP-1.1 has it."""
    d1 = next((d for d in roadmap.decisions if d.name == "d1"), None)
    measured = page_parts.measured_of(d1, roadmap) if d1 else None
    if measured:
        return {"ratio": measured.number, "ratio_model": measured.name}
    verdict = roadmap.artifacts[FISHER]
    statistic = STATISTIC.get(str(verdict.get("verdict", "statistic")), "")
    best = model_name(str(verdict.get("verdict", "model")))
    return {"ratio": verdict.number("verdict", "ratio"), "ratio_model": f"{statistic} of {best}"}
