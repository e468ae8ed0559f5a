"""The forecast as documents show it."""

from made_forecast import forecast

from logg1m.files import write_json
from logg1m.report.forecast import FORECAST, next_words, shown
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
