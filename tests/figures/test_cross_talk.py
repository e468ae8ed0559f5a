def test_errors_of_the_three_labels_on_the_low_noise_test(draw, verdict, made):
    values = draw("cross_talk", verdict=verdict, evidence=made)
    plain = values[values["variant"] == "plain"]
    assert len(plain) == made.members["low_noise"].sum()
    assert plain["logg"].corr(plain["teff"]) > 0.5
    assert abs(values.loc[values["variant"] == "sure", ["logg", "teff"]].corr().iloc[0, 1]) < 0.3


def test_models_of_log_g_alone_are_said_to_be(draw, verdict, poor):
    assert "Teff and [Fe/H]" in draw("cross_talk", verdict=verdict, evidence=poor)["reason"][0]
