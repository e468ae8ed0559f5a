from made_forecast import forecast


def test_levers_stand_by_what_they_bring_with_their_intervals(draw):
    values = draw("forecast_levers", forecast=forecast())
    assert values["value"].is_monotonic_decreasing
    assert (values["low"] <= values["value"]).all()
    assert (values["value"] <= values["high"]).all()
    assert values["lever"].iloc[0] == "time_inf"
    assert not {"window", "caveat"} & set(values["group"])


def test_without_low_noise_stars_the_reason_is_drawn(draw):
    made = forecast()
    del made["levers"]["subsets"]["low_noise"]
    assert "no low-noise star" in draw("forecast_levers", forecast=made).to_string()
