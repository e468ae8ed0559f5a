from made_forecast import CONFIG, forecast


def test_lines_are_the_rows_of_the_forecast(draw):
    made = forecast()
    values = draw("forecast_exposure", forecast=made)
    everyone = values[values["star"] == "population"]
    assert len(everyone) == len(CONFIG.magnitudes) * (len(CONFIG.hours) + 1)
    assert everyone["hours"].isna().sum() == len(CONFIG.magnitudes)
    first = made["population"]["rows"][0]
    assert abs(everyone["bound"].iloc[0] / first["bound"]["median"] - 1) < 1e-6
    named = values[values["star"] != "population"]
    assert (named["mag"] == 22).all()
    assert named["star"].nunique() == len(made["stars"])
