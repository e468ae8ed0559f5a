def test_bounds_of_the_stars_and_outliers_left(draw, verdict, made):
    values = draw("sigma", verdict=verdict, evidence=made)
    bound = values[values["series"] == "bound"]
    assert len(bound) == len(made.stars)
    assert bound["y"].div(bound["x"]).round(6).eq(2).all()
    left = values[values["series"] == "outliers, full test"]
    error = made.predictions["sure"][0].eval("predicted - truth").abs()
    assert left["y"].iloc[0] == (error > 0.5).mean()


def test_models_without_sigma_are_said_to_have_none(draw, verdict, poor):
    assert "predicts σ" in draw("sigma", verdict=verdict, evidence=poor)["reason"][0]
