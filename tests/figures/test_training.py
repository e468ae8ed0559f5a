"""Learning curves and accuracy against time, on the page alone."""

from logg1m.figures.training import Training, accuracy, curves
from logg1m.results.numbers import Cursor


def made(history: str, counts: bool = True) -> Training:
    seconds = Cursor(12.5, "results/a/seed_0/provenance.json", ("seconds",))
    mae = Cursor({"value": 0.25, "ci95": [0.2, 0.3]}, "results/mvp_1_2/verdict.json", ("variants", "a", "mae"))
    return Training("a", "MVP-1.2", history, seconds, mae, counts=counts)


def test_curves_are_the_scores_of_the_history(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("epoch,score\n1,0.25\n2,0.5\n")
    trace = curves([made(str(path))]).spec["data"][0]
    assert (trace["x"], trace["y"]) == ([1, 2], [0.25, 0.5])
    assert trace["meta"]["y"] == f"{path}#score"


def test_what_is_not_trained_in_epochs_has_no_curve(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("alpha,validation_r2\n1,0.25\n")
    assert curves([made(str(path)), made("")]) is None


def test_accuracy_stands_at_the_seconds_it_took():
    trace = accuracy([made("")]).spec["data"][0]
    assert (trace["x"], trace["y"]) == ([12.5], [0.25])
    assert trace["meta"]["x"] == "results/a/seed_0/provenance.json#/seconds"
    assert trace["meta"]["y"].endswith("#/variants/a/mae/value")


def test_models_look_different_and_those_that_do_not_count_are_off_at_first():
    figure = accuracy([made("", counts=k != 3) for k in range(40)])
    looks = {(t["marker"]["color"], t["marker"]["symbol"]) for t in figure.spec["data"]}
    assert len(looks) == 40
    assert [k for k, t in enumerate(figure.spec["data"]) if not t["visible"]] == [3]
    assert figure.layout["xaxis"]["title"]["text"].endswith(", s")
