"""results/report/index.html: one self-contained page, from what `collect` gathered and a few spectra of the store.

It opens from disk and asks the network for nothing: style, script, plotting library and data all lie inside. Text
from data or configuration is escaped by Jinja2; JSON is embedded so that no string in it can end its element.
"""

import base64
import gzip
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from logg1m.config.experiments import Experiment
from logg1m.report import page_parts, page_trace
from logg1m.report.artifacts import number
from logg1m.report.page_files import TEMPLATES
from logg1m.report.plots import Figure
from logg1m.report.roadmap import DONE, Mvp, Number, Roadmap, Variant


def render(
    roadmap: Roadmap,
    experiments: Mapping[str, Experiment],
    viewer: Mapping[str, Any] | None = None,
    residuals: Mapping[str, Any] | None = None,
    viewer_files: tuple[str, ...] = (),
    residual_files: tuple[str, ...] = (),
) -> str:
    """The page.

    Parameters
    ----------
    roadmap : see `collect.collect`
    experiments : by key
    viewer, residuals : see `plots_spectra.viewer` and `plots_residuals.maps`; None leaves their parts out
    viewer_files, residual_files : the artifacts that these two were made from
    """
    parts = [page_parts.part(mvp, experiments[mvp.key], roadmap) for mvp in roadmap.mvps]
    main_figures = page_parts.main_figures(roadmap)
    drawn = [*main_figures, *(f for part in parts for f in part.figures if isinstance(f, Figure))]
    ceilings = (roadmap.fisher or {}).get("ceilings", {})
    refused = ceilings.get("bayes", {}).get("low_noise", {}).get("refused")
    return _environment().get_template("page.html.j2").render(
        roadmap=roadmap,
        css=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "page.js").read_text(encoding="utf-8")),
        plotly=Markup(plotting_library()),
        drawing=page_parts.drawing(roadmap, experiments),
        phases=sorted({mvp.phase for mvp in roadmap.mvps}),
        kanban=page_parts.kanban(roadmap.mvps),
        keys={mvp.id: mvp.key for mvp in roadmap.mvps},
        main_figures=main_figures,
        parts=parts,
        figure_data={figure.key: figure.spec for figure in drawn},
        viewer=viewer,
        viewer_files=viewer_files,
        residuals=residuals,
        residual_files=residual_files,
        ruler=page_parts.ruler(roadmap.answer),
        no_ceiling=refused or "MVP-1.1 has not computed it",
        source=(roadmap.manifest or {}).get("source", {}).get("kind"),
        accepted=_accepted(roadmap),
        measured_of={d.name: page_parts.measured_of(d, roadmap) for d in roadmap.decisions},
        **_ratio(roadmap),
        margin=margin,
    )  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "show": page_trace.show,
        "point": page_trace.point,
        "cell": page_trace.cell,
        "embedded": embedded,
        "yaml": _yaml,
        "duration": duration,
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


def duration(seconds: float) -> str:
    """Seconds in the two largest units: 3 min 12 s."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s" if whole else "under 1 s"
    minutes, hours = divmod(whole, 60), divmod(whole // 60, 60)
    return f"{minutes[0]} min {minutes[1]} s" if whole < 3600 else f"{hours[0]} h {hours[1]} min"


def margin(mvp: Mvp, variant: Variant, k: int) -> Number:
    """What the improvement of a candidate's k-th criterion is held against, with its place in the verdict."""
    return Number(variant.criteria[k].margin, None, None, mvp.verdict, f"variants/{variant.name}/criteria/{k}/margin")


def _accepted(roadmap: Roadmap) -> list[tuple[Mvp, Variant]]:
    """Experiments with an accepted direction, and their best variant."""
    return [
        (mvp, variant)
        for mvp in roadmap.mvps
        if mvp.state == DONE and mvp.outcome == "accepted"
        for variant in mvp.variants
        if variant.name == mvp.best
    ]


def _ratio(roadmap: Roadmap) -> dict[str, Any]:
    """Error over bound of the best model: as D1 has it, which saw networks too, else as MVP-1.1 has it."""
    d1 = next((d for d in roadmap.decisions if d.name == "d1"), None)
    measured = page_parts.measured_of(d1, roadmap) if d1 else None
    if measured:
        return {"ratio": measured.number, "ratio_model": measured.name}
    verdict = (roadmap.fisher or {}).get("verdict") or {}
    found = number(roadmap.fisher, "verdict/ratio", roadmap.files.get("mvp_1_1/fisher.json", ""))
    return {"ratio": found, "ratio_model": f"{verdict.get('model')}, {str(verdict.get('statistic')).replace('_', ' ')}"}
