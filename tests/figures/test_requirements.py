import pandas as pd
from made_roadmap import requirements


def test_every_row_has_its_scores_with_their_intervals(draw, pictures):
    made = requirements()
    values = draw("requirements", requirements=made)
    assert values["unknown"].tolist() == [row["unknown"] for row in made["rows"]]
    last = made["rows"][-1]["ignored"]["r2"]
    assert values["ignored_r2"].iloc[-1] == last["value"]
    assert [values["ignored_r2_low"].iloc[-1], values["ignored_r2_high"].iloc[-1]] == last["ci95"]
    assert pd.isna(values["ignored_r2"].iloc[0])  # nothing to ignore
    assert [axis.get_xlabel().split(",")[0] for axis in pictures[0].axes] == [
        "1σ error of the flux calibration per order", "1σ error of E(B−V)", "1σ error of the velocity"
    ]  # fmt: skip
