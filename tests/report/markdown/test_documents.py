"""The Markdown documents and the index: columns as the roadmap names them, numbers as measured, links that lead somewhere."""

import csv
import io
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt
from pymarkdown.api import PyMarkdownApi
from test_collect import numbers

from logg1m.config.data import Observation
from logg1m.config.report import Report
from logg1m.files import read_json, write_json
from logg1m.report.collect import Context, collect
from logg1m.report.markdown import documents, overview
from logg1m.report.roadmap import Roadmap

COLUMNS = {
    "Experiments": ["MVP", "name", "phase", "status", "experiment id", "report"],
    "Key conclusions": ["MVP", "conclusion", "key metric", "synced", "mark"],
    "Run paths": ["MVP", "repo", "script", "config", "output"],
    "File index": ["type", "path", "description"],
    "Results summary": ["MVP", "config", "R²", "MAE", "RMSE", "ΔR² vs baseline"],
}
INDEX = (
    "experiment_id,project,topic,status,start_time,end_time,entry_point,config_path,output_path,log_path,"
    "metrics_summary,priority,next_action,notes"
)
RENDER = MarkdownIt("commonmark").enable("table")


def read(paths: list[Path], experiments: Any, **setting: Any) -> Roadmap:
    return collect(paths, experiments, Context(**setting))


@pytest.fixture
def roadmap(paths, experiments) -> Roadmap:
    return read(paths, experiments)


@pytest.fixture
def folder(roadmap, results) -> Path:
    documents.write(roadmap, results / "report", "VIT", results / ".history")
    return results / "report"


def tables(markdown: str) -> dict[str, list[list[str]]]:
    """Heading → rows of the table below it, cells as text; the columns first."""
    found: dict[str, list[list[str]]] = {}
    heading, tokens = "", RENDER.parse(markdown)
    for k, token in enumerate(tokens):
        inline = tokens[k + 1].content if k + 1 < len(tokens) else ""
        if token.type == "heading_open":
            heading = inline
        elif token.type == "table_open":
            found[heading] = []
        elif token.type == "tr_open":
            found[heading].append([])
        elif token.type in ("th_open", "td_open"):
            children = tokens[k + 1].children or []
            found[heading][-1].append("".join(c.content for c in children))
    return found


def lint(path: Path) -> list[str]:
    """What the linter finds; lines of tables are as long as they are."""
    scan = PyMarkdownApi().disable_rule_by_identifier("md013").scan_path(str(path))
    return [f"{f.scan_file}:{f.line_number} {f.rule_id} {f.rule_description}" for f in scan.scan_failures]


@pytest.mark.slow
def test_every_document_passes_the_linter(folder):
    found = sorted(folder.glob("*.md"))
    assert len(found) == 20, "roadmap, kanban, changelog, seventeen reports"
    assert [fault for path in found for fault in lint(path)] == []
    (folder / "bad.md").write_text("# a\n### b\n")
    assert lint(folder / "bad.md"), "the linter finds faults where there are some"


def test_documents_of_an_empty_project_pass_the_linter_too(experiments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    documents.write(read([], experiments), Path("results/report"), "VIT", Path("results/.history"))
    written = sorted(Path("results/report").glob("*.md"))
    assert [fault for path in written for fault in lint(path)] == []
    assert "no model has been evaluated yet" in Path("results/report/roadmap.md").read_text()


def test_tables_have_the_columns_that_the_roadmap_names(folder):
    found = tables((folder / "roadmap.md").read_text())
    assert {heading: found[heading][0] for heading in COLUMNS} == COLUMNS
    assert len(found["Experiments"]) == len(found["Run paths"]) == 1 + 17
    assert (folder / "index.csv").read_text().splitlines()[0] == INDEX


def test_every_number_of_the_tables_is_one_of_the_structure(folder, roadmap):
    """And every number of the structure is one of an artifact, as test_collect shows."""
    known = {n.text() for n in numbers(roadmap)} | {
        f"{c.margin.raw:g}" for m in roadmap.mvps for v in m.variants for c in v.criteria
    }
    measured = re.compile(r"-?\d+\.\d{3,}(?: \[-?[\d.]+, -?[\d.]+\])?")
    seen = 0
    for path in folder.glob("*.md"):
        for heading, rows in tables(path.read_text()).items():
            if heading in ("Verdicts", "Key conclusions", "Sanity checks", "Reproduction card", "Scope card"):
                continue  # sentences with numbers in them: those of verdict.json as they stand
            for cell in (cell for row in rows[1:] for cell in row):
                if measured.fullmatch(cell):
                    seen += 1
                    assert cell in known, (path.name, heading, cell)
    assert seen > 1000


def test_results_summary_shows_every_variant_as_its_verdict_has_it(folder, results):
    rows = tables((folder / "roadmap.md").read_text())["Results summary"][1:]
    expected = []
    for path in sorted(results.glob("mvp_*/verdict.json")):
        for variant in read_json(path)["variants"].values():
            low = variant["metrics"]["low_noise"]
            difference = variant.get("differences", {}).get("r2_low_noise")
            cells = [low["r2"], low["mae"], low["rmse"], *([difference] if difference else [])]
            expected.append([f"{c['value']:.3f} [{c['ci95'][0]:.3f}, {c['ci95'][1]:.3f}]" for c in cells])
    variants = [row for row in rows if row[0] not in ("0.B", "D4")]
    shown = [[cell for cell in row[2:] if cell != "baseline"] for row in variants]
    assert [[c.replace("-0.000", "0.000") for c in row] for row in shown] == [
        [c.replace("-0.000", "0.000") for c in row] for row in expected
    ]


def test_results_summary_names_every_model_also_those_that_are_no_variants(paths, experiments, results):
    metrics = read_json(results / "mvp_1_2/flux/seed_0/metrics.json")
    write_json(results / "combination/recipe/seed_0/metrics.json", metrics)
    handed = [*paths, results / "combination/recipe/seed_0/metrics.json"]
    rows = tables(documents.roadmap_text(read(handed, experiments)))["Results summary"][1:]
    configs = [f"{row[0]} {row[1]}" for row in rows]
    for expected in (
        "0.B 1k spectra, ridge",
        "0.B 2k spectra, trees",
        "0.B network, ViT",
        "D4 combination of D4, seed 0, ViT",
    ):
        assert any(config.lower().startswith(expected.lower()) for config in configs), expected
    control = next(config for config in configs if "honest error alone" in config)
    assert control.endswith("(control), Ridge"), "a control by Ridge is no ViT"


def test_index_has_a_row_per_experiment_that_a_csv_reader_reads_back(folder, roadmap):
    rows = list(csv.DictReader(io.StringIO((folder / "index.csv").read_text())))
    assert [row["experiment_id"] for row in rows] == [m.experiment_id for m in roadmap.mvps]
    row = next(row for row in rows if row["output_path"] == "results/mvp_1_2/")
    best = next(v.low_noise for v in roadmap.mvp("1.2").variants if v.name == roadmap.mvp("1.2").best)
    assert f"low-noise R² {best['r2'].text()}, MAE {best['mae'].text()} dex" in row["metrics_summary"]
    assert (row["project"], row["topic"], row["status"]) == ("VIT", "error_input", "done")
    assert row["entry_point"].endswith("results/mvp_1_2/verdict.json")


def test_links_and_pictures_lead_to_files(folder):
    targets = [
        (path, unquote(str(token.attrs.get("href") or token.attrs.get("src"))))
        for path in folder.glob("*.md")
        for block in RENDER.parse(path.read_text())
        for token in block.children or []
        if token.type in ("link_open", "image")
    ]
    assert len(targets) > 50
    assert [(path.name, target) for path, target in targets if not (path.parent / target).exists()] == []


def test_text_with_markup_from_an_experiment_file_is_shown_as_text(paths, experiments, results):
    nasty = "<script>alert(1)</script> | [a](http://b) *x*"
    for key, name in (("title", "title"), ("question", "question")):
        write_json(
            results / "mvp_1_2/verdict.json", read_json(results / "mvp_1_2/verdict.json") | {key: nasty, name: nasty}
        )
    changed = {**experiments, "mvp_1_2": experiments["mvp_1_2"].model_copy(update={"title": nasty, "question": nasty})}
    roadmap = read(paths, changed)
    for text in (
        documents.roadmap_text(roadmap),
        documents.kanban_text(roadmap),
        documents.report_text(roadmap.mvp("1.2")),
    ):
        html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
        assert "<script" not in html
        assert 'href="http://b"' not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt; | [a](http://b) *x*" in html


def test_every_state_has_an_honest_row(paths, experiments, results):
    (results / "mvp_1_3/verdict.json").unlink()
    metrics = results / "mvp_1_5/multi_equal/seed_0/metrics.json"
    write_json(metrics, {**read_json(metrics), "full": {"r2": {"value": 0.0, "ci95": [0, 0]}}})
    write_json(results / "decisions/d2.json", {"decision": "d2", "outcome": "full"})
    roadmap = read(paths, experiments, paused=("3.4",))
    rows = {row[0]: row for row in tables(documents.roadmap_text(roadmap))["Experiments"][1:]}
    states = {mvp: rows[mvp][3] for mvp in ("1.2", "1.3", "1.5", "3.4", "3.5")}
    assert states == {
        "1.2": "done",
        "1.3": "missing",
        "1.5": "stale",
        "3.4": "paused",
        "3.5": "cancelled",
    }
    kanban = documents.kanban_text(roadmap)
    for heading, title in (("Missing", "Normalisation"), ("Stale", "Multi-task"), ("Cancelled", "Window attention")):
        assert title in kanban.split(f"## {heading}\n")[1].split("\n## ")[0]
    report = documents.report_text(roadmap.mvp("3.5"))
    assert "**Cancelled**: D2 = full" in report
    assert "There is no verdict." in report
    assert not any(n.file.startswith("results/mvp_3_5") for n in numbers(roadmap))


def test_unchanged_results_leave_every_document_unchanged(folder, paths, experiments, results):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    documents.write(read(paths, experiments), folder, "VIT", results / ".history")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in (results / ".history").iterdir()] == ["0001.json"]


def test_a_changed_number_changes_its_report_the_roadmap_and_the_changelog_alone(folder, paths, experiments, results):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    verdict = read_json(results / "mvp_1_2/verdict.json")
    improvement = verdict["variants"][verdict["best_accepted"]]["criteria"][0]["improvement"]
    old, improvement["value"] = improvement["value"], 0.0625
    write_json(results / "mvp_1_2/verdict.json", verdict)
    documents.write(read(paths, experiments), folder, "VIT", results / ".history")
    changed = {path.name for path in folder.iterdir() if path.read_bytes() != before[path.name]}
    words = {"kanban.md", "index.csv"}  # which say why an experiment stands where it does
    assert changed == {"roadmap.md", "changelog.md", "exp_logg_1m_error_input_20251222.md"} | words
    changelog = (folder / "changelog.md").read_text()
    assert f"MVP-1.2: key metric {old:.3f}" in changelog
    assert "→ 0.062" in changelog


def test_names_follow_the_configuration(paths, experiments, results):
    report = Report(project="GAL", date="20270101", topic="other")
    documents.write(read(paths, experiments, report=report), results / "report", "GAL", results / ".history")
    assert (results / "report/exp_other_windows_20270101.md").exists()
    assert "GAL-20270101-other-windows-01" in (results / "report/index.csv").read_text()


@pytest.mark.parametrize("value", ["=1+1", "+x", "-x", "@x"])
def test_a_spreadsheet_takes_nothing_of_the_index_for_a_formula(roadmap, monkeypatch, value):
    row = {"notes": value}
    monkeypatch.setattr(overview, "index_rows", lambda roadmap, project: [row])
    cells = next(csv.DictReader(io.StringIO(documents.index_text(roadmap, "VIT"))))
    assert set(cells.values()) == {f"'{value}"}


def test_every_document_names_the_conditions_in_its_first_lines(paths, experiments, results):
    manifest = read_json("results/data/manifest.json")
    source = {"kind": "embedded", "observation": Observation().described()}
    write_json("results/data/manifest.json", manifest | {"source": source})
    documents.write(read(paths, experiments), results / "report", "VIT", results / ".history")
    for path in sorted((results / "report").glob("*.md")):
        if path.name != "changelog.md":  # of many runs
            head = path.read_text(encoding="utf-8").splitlines()[:6]
            assert any("Conditions of the spectra: ideal: rest frame" in line for line in head), path.name
