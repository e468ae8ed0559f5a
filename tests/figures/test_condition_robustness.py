def test_r2_of_every_variant_under_every_condition(draw, verdict, made):
    values = draw("condition_robustness", verdict=verdict, evidence=made)
    plain = values[values["variant"] == "plain"].set_index("condition")
    assert list(plain.index) == ["as trained", "crop_10", "shift_64", "hidden_64"]
    assert plain.loc["shift_64", "r2"] < plain.loc["as trained", "r2"] - 3
    assert (plain["low"] <= plain["r2"]).all()


def test_models_that_cannot_be_put_to_other_conditions_are_said_so(draw, verdict, poor):
    assert draw("condition_robustness", verdict=verdict, evidence=poor)["reason"].notna().all()
