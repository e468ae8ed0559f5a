"""The forecast as documents show it."""

import made_values
from made_forecast import forecast

from logg1m.figures import catalogue
from logg1m.files import write_json
from logg1m.report.collect import Context, collect
from logg1m.report.forecast import FIGURES, FORECAST, next_words, shown
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
    assert "twice the exposure time would bring Δσ(log g)" in next_words(artifacts)
    by_title = {table.title: table for table in tables}
    words = {cell for table in tables for row in table.rows for cell in row if isinstance(cell, str)}
    assert not words & {"tip-2.0", "population", "seeing", "sky_continuum"}
    assert {"giant near the tip, [M/H] −2", "median star of the priors", "seeing (FWHM), arcsec"} <= words
    arms = by_title["Other arms, for every kind of star"]
    assert len(arms.rows) == len(made["stars"])
    assert all("7105–8845 Å alone: a lower bound for low resolution" in row[3] for row in arms.rows)
    needed = by_title["Exposure time to the goal"].rows[0]
    assert [cell.text() for cell in needed[1:3]] == ["20", "0.2"]
    endless = next(row for row in tables[0].rows if row[0].startswith("endless"))
    assert (endless[5].text(), endless[6]) == ("512 [512, 512]", "yes")
    empty = Artifacts.of([], tmp_path / "results")
    assert list(shown(empty)) == []
    assert next_words(empty) == ""


def test_page_and_roadmap_say_what_is_next_and_every_number_is_the_artifact_s(results, experiments):
    made_values.add(results)
    path = results / FORECAST
    made = forecast()
    write_json(path, made)
    for kind in FIGURES:
        catalogue.draw(kind, {"forecast": made}, results / "mvp_1_1" / f"{kind}.png")
    paths = sorted(p for p in results.rglob("*") if p.is_file())
    roadmap = collect(paths, experiments, Context())
    assert "twice the exposure time would bring Δσ(log g)" in roadmap.answer.next
    text = documents.roadmap_text(roadmap)
    assert "\n- What to do next: " in text
    assert "endless exposure: the sky residual alone" in text
    page = render.render(roadmap, experiments)
    assert page.count('id="forecast"') == 1
    assert page.count('id="next"') == 1
    assert "Levers, test stars of any noise" in page
    assert "a lower bound for low resolution" in page
    part = page[page.index('<section id="forecast">') : page.index('<section id="figures">')]
    assert all(f'id="fig-mvp_1_1-{kind}"' in part for kind in FIGURES)
    assert page.count('id="fig-mvp_1_1-forecast_levers"') == 1
    assert 'href="#fig-mvp_1_1-forecast_levers"' in page  # from the experiment whose folder holds it
    path.unlink()
    without = collect([p for p in paths if p != path], experiments, Context())
    assert without.answer.next == ""
    assert 'id="forecast"' not in render.render(without, experiments)
