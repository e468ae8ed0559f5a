import pytest


def test_windows_are_rows_in_order_and_those_out_of_range_stand_in_the_title(draw, pictures, verdict, made):
    windows = [
        {"name": "b", "vacuum": 8500.0, "half_width": 10.0, "status": "used"},
        {"name": "a", "vacuum": 7500.0, "half_width": 10.0, "status": "used"},
        {"name": "Hα", "vacuum": 6564.0, "half_width": 5.0, "status": "out of range"},
    ]
    plain = verdict["variants"]["plain"] | {"windows": windows}
    values = draw("windows_over_sensitivity", verdict=verdict | {"variants": verdict["variants"] | {"plain": plain}}, evidence=made)  # fmt: skip
    assert values["name"].dropna().tolist() == ["Hα", "a", "b"]
    curve = values[values["status"] == "curve"]
    assert curve["vacuum"].to_numpy() == pytest.approx(made.store.wave)
    assert curve["sensitivity"].notna().all()
    assert pictures[0].get_suptitle().endswith("out of range: Hα")


def test_without_windows_the_figure_says_none(draw, pictures, verdict, made):
    from logg1m.figures import windows_over_sensitivity

    table = windows_over_sensitivity.values(verdict, made)
    assert set(table["status"]) == {"curve"}
    assert windows_over_sensitivity.draw(table, verdict).get_suptitle().endswith("none")
