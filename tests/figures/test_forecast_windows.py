from made_forecast import forecast


def test_every_window_is_there_twice(draw):
    values = draw("forecast_windows", forecast=forecast())
    assert set(values["kind"]) == {"without", "only"}
    alone = values[values["kind"] == "only"]
    assert alone["start"].tolist() == [6800, 7200, 7600, 8000, 8400, 8800]
    assert (alone["value"] < 1).all()
    assert (values.loc[values["kind"] == "without", "value"] >= 0).all()
    assert (values["low"] <= values["high"]).all()
