"""Reports of what networks stand, hide and look at, on made evidence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_evidence import PIXELS, WAVE, evidence

from logg1m.config.kinds import reports
from logg1m.experiments import extras
from logg1m.experiments.extras import attention_mass, mask_controls, robustness


@pytest.fixture(scope="module")
def made():
    return evidence()


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


def test_every_file_of_the_room_is_a_report_and_is_found_by_its_name(made):
    files = {path.stem for path in Path(extras.__file__).parent.glob("[a-z]*.py")}
    assert set(reports()) == files
    assert extras.extra("mask_controls", made) == mask_controls.extra(made)
