import pytest

from logg1m.figures import style


def measured(value: float, n: int = 100) -> dict:
    return {"n": n, "r2": {"value": value, "ci95": [value - 0.02, value + 0.03]}}


def scales(full: float, low_noise: float | None) -> dict:
    return {
        scale: {
            "n_train": n,
            "common_test": {
                "full": measured(full + k / 10),
                "low_noise": None if low_noise is None else measured(low_noise + k / 10, 20),
            },
        }
        for k, (scale, n) in enumerate((("10k", 8_000), ("32k", 25_600)))
    }


@pytest.mark.parametrize("low_noise", [0.5, None])
def test_every_model_test_and_scale_is_a_row(draw, low_noise):
    models = {name: {"scales": scales(0.3, low_noise)} for name in ("ridge_full", "lightgbm")}
    values = draw("scaling", scaling={"models": models, "noise_level": 1.0})
    assert len(values) == (4 if low_noise is None else 8)
    for _, row in values.iterrows():
        entry = models[row["model"]]["scales"][row["scale"]]
        shown = entry["common_test"][row["subset"]]
        assert (row["n_train"], row["n_test"]) == (entry["n_train"], shown["n"])
        assert row["r2"] == pytest.approx(shown["r2"]["value"])
        assert [row["r2_low"], row["r2_high"]] == pytest.approx(shown["r2"]["ci95"])


def test_where_a_curve_levels_off_is_drawn_right_of_it(draw, pictures):
    models = {"lightgbm": {"scales": scales(0.3, 0.5)}}
    models["lightgbm"]["saturation"] = {"power_law": {"limit": {"value": 0.6, "ci95": [0.5, 0.7]}}}
    values = draw("scaling", scaling={"models": models, "noise_level": 1.0})
    assert values[values["scale"] == "limit"][["r2", "r2_low", "r2_high"]].iloc[0].tolist() == [0.6, 0.5, 0.7]
    bar = next(
        line for line in pictures[0].axes[0].get_lines() if line.get_marker() == "_" and len(line.get_xdata()) == 1
    )
    assert bar.get_xdata()[0] > 25_600
    assert "limit of a power law" in pictures[0].get_suptitle()


def test_no_two_models_are_drawn_alike(draw, pictures):
    models = {f"model_{k}": {"scales": scales(0.4, None)} for k in range(len(style.CYCLE) + 1)}
    draw("scaling", scaling={"models": models, "noise_level": 1.0})
    lines = [line for line in pictures[0].axes[0].get_lines() if line.get_marker() in style.MARKERS]
    assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in lines}) == len(models)
