from logg1m.figures import catalogue


def test_pretraining_counts_in_passes_and_seconds_but_not_in_epochs(draw, verdict_pretrained, pretrained):
    values = draw("learning_curves", verdict=verdict_pretrained, evidence=pretrained).set_index(["variant", "epochs"])
    assert values.loc[("scratch", 2), ["passes", "seconds", "r2"]].tolist() == [200, 20, 0.4]
    assert values.loc[("masked", 2), ["passes", "seconds", "r2"]].tolist() == [450, 45, 0.5]


def test_two_kinds_show_how_long_runs_took():
    assert [kind for kind in catalogue.kinds() if catalogue.shows_times(kind)] == ["excess", "learning_curves"]


def test_models_that_are_not_trained_in_epochs_are_said_to_be(draw, verdict_pretrained, untrained):
    assert "epochs" in draw("learning_curves", verdict=verdict_pretrained, evidence=untrained)["reason"][0]
