"""The forecast as documents show it."""

import made_values
from made_forecast import forecast

from logg1m.files import write_json
from logg1m.report.collect import Context, collect
from logg1m.report.forecast import FORECAST, next_words, shown
from logg1m.report.markdown import documents
from logg1m.report.page import render
from logg1m.results.artifacts import Artifacts


def test_tables_and_what_is_next(tmp_path):
    path = tmp_path / "results" / FORECAST
    path.parent.mkdir(parents=True)
    made = forecast()
    write_json(path, made)
    artifacts = Artifacts.of([path], tmp_path / "results")
    tables = list(shown(artifacts))
    assert [table.title for table in tables][:2] == ["Levers, low-noise test stars", "Levers, test stars of any noise"]
    first = made["levers"]["subsets"]["low_noise"]["rows"]
    assert [row[0] for row in tables[0].rows] == [row["words"] for row in first]
    assert "twice the exposure time would bring ΔR²" in next_words(artifacts)
    empty = Artifacts.of([], tmp_path / "results")
    assert list(shown(empty)) == []
    assert next_words(empty) == ""


def test_page_and_roadmap_say_what_is_next_and_every_number_is_the_artifact_s(results, experiments):
    made_values.add(results)
    path = results / FORECAST
    made = forecast()
    write_json(path, made)
    paths = sorted(p for p in results.rglob("*") if p.is_file())
    roadmap = collect(paths, experiments, Context())
    assert "twice the exposure time would bring ΔR²" in roadmap.answer.next
    text = documents.roadmap_text(roadmap)
    assert "\n- What to do next: " in text
    assert "endless exposure: the sky residual alone" in text
    page = render.render(roadmap, experiments)
    assert page.count('id="forecast"') == 1
    assert page.count('id="next"') == 1
    assert "Levers, test stars of any noise" in page
    assert "a lower bound for low resolution" in page
    path.unlink()
    without = collect([p for p in paths if p != path], experiments, Context())
    assert without.answer.next == ""
    assert 'id="forecast"' not in render.render(without, experiments)
