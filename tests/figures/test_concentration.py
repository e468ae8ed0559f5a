def estimate(value: float) -> dict:
    return {"value": value, "ci95": [value - 0.1, value + 0.1]}


def test_both_gains_and_their_difference(draw, verdict_denoised):
    measured = {**estimate(0.2), "inside": estimate(0.3), "outside": estimate(0.1)}
    rules = [
        {"metric": "mae", "subset": "low_noise", "more_in": None, "improvement": estimate(0.1)},
        {"metric": "mae", "subset": "low_noise", "more_in": ["sky", "between"], "improvement": measured},
    ]
    variants = {"net": {"label": "net", "criteria": rules}, "raw": {"label": "raw"}}
    assert draw("concentration", verdict=verdict_denoised | {"variants": variants})["value"].tolist() == [0.3, 0.1, 0.2]


def test_nothing_to_show_is_said(draw, verdict_denoised):
    assert "one part of the spectrum" in draw("concentration", verdict=verdict_denoised)["reason"][0]
