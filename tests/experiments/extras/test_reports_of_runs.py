"""Reports and figures of what networks stand, hide and look at, on made evidence."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_evidence import PIXELS, WAVE, evidence, judged

from logg1m.experiments import kinds
from logg1m.experiments.extras import attention_mass, mask_controls, robustness
from logg1m.experiments.judging.evidence import draw, extra

ON_NETWORKS = (
    "crop_robustness",
    "condition_robustness",
    "calibration",
    "sigma",
    "masks",
    "cross_talk",
    "attention",
    "levels",
)


@pytest.fixture(scope="module")
def made():
    return evidence()


@pytest.fixture(autouse=True)
def drawn_fast(monkeypatch):
    """Without the layout that keeps labels apart, which takes most of the time of a figure."""
    for name, value in {"figure.constrained_layout.use": False, "figure.dpi": 60}.items():
        monkeypatch.setitem(plt.rcParams, name, value)


@pytest.fixture(scope="module")
def verdict(made):
    found = judged(made)
    names = ("robustness", "calibration", "mask_controls", "cross_talk", "attention_mass", "levels")
    found["extra"] = {name: extra(name, made) for name in names}
    return found


def test_robustness_is_the_r2_of_every_condition_and_what_it_lost(made):
    rows = {row["condition"]: row for row in robustness.extra(made) if row["variant"] == "plain"}
    assert list(rows) == ["as trained", "crop_10", "shift_64", "hidden_64"]
    assert (
        rows["shift_64"]["r2 lost against hidden_64"] == rows["shift_64"]["r2 lost"]
    )  # hiding alone costs nothing here
    assert not any("against" in key for key in rows["crop_10"])
    assert rows["crop_10"]["r2"] == rows["as trained"]["r2"]
    assert rows["crop_10"]["r2 lost"]["value"] == pytest.approx(0, abs=1e-12)
    assert rows["shift_64"]["r2 lost"]["ci95"][0] > 3
    assert rows["shift_64"]["n"] == 200


def test_masks_are_compared_with_random_ones_of_their_size(made):
    rows = {row["variant"]: row for row in mask_controls.extra(made)}
    assert set(rows) == {"masked", "at_random"}
    assert rows["masked"]["hidden pixels"] == 51
    assert rows["masked"]["their mean error over that of all pixels"] > 1.5
    assert rows["at_random"]["their mean error over that of all pixels"] == pytest.approx(1, abs=0.05)
    assert set(rows["masked"]["r2 gained on at_random"]) == {"value", "ci95"}
    assert not any("gained" in key for key in rows["at_random"])


def test_attention_on_windows_is_what_falls_on_them(made):
    rows = {row["variant"]: row for row in attention_mass.extra(made)}
    assert rows["masked"]["attention on windows"] > rows["masked"]["without preference"]  # its attention is on the peak
    assert 0 < rows["masked"]["without preference"] < 1


def test_share_of_a_token_is_counted_in_pixels():
    inside = np.arange(PIXELS) < 96
    step = WAVE[1] - WAVE[0]
    tokens = pd.DataFrame({"low": [WAVE[k] - step / 2 for k in (0, 64, 128)], "high": [WAVE[k] + step / 2 for k in (63, 127, 255)]})  # fmt: skip
    assert attention_mass.share_inside(tokens, WAVE, inside).tolist() == [1, 0.5, 0]


@pytest.mark.parametrize("kind", ON_NETWORKS)
def test_every_figure_is_drawn_with_its_values(kind, made, verdict, tmp_path):
    draw(kind, verdict, made, tmp_path / "shown.png")
    assert (tmp_path / "shown.png").stat().st_size > 5_000
    assert len(pd.read_csv(tmp_path / "shown.csv")) > 3


@pytest.mark.parametrize("kind", ["condition_robustness", "sigma", "cross_talk", "attention"])
def test_a_figure_of_models_without_what_it_shows_says_so(kind, made, verdict, tmp_path):
    bare = {
        n: [t.drop(columns=["sigma", "predicted_teff"], errors="ignore") for t in ts]
        for n, ts in made.predictions.items()
    }
    nothing = {n: [t[["id"]].iloc[:0] for t in ts] for n, ts in made.robustness.items()}
    blind = {n: [t.iloc[:0] for t in ts] for n, ts in made.attention.items()}
    poor = type(made)(**{**vars(made), "predictions": bare, "robustness": nothing, "attention": blind})
    draw(kind, verdict, poor, tmp_path / "shown.png")
    assert pd.read_csv(tmp_path / "shown.csv")["reason"].notna().all()


def test_every_kind_of_report_and_figure_has_a_module():
    from typing import get_args

    from logg1m.config.experiments import Extra, FigureKind

    assert set(get_args(Extra)) == set(kinds.EXTRAS)
    assert set(get_args(FigureKind)) == set(kinds.FIGURES)
