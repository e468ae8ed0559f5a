def test_spectra_are_drawn_with_what_was_hidden(draw, verdict_pretrained, pretrained):
    values = draw("reconstructions", verdict=verdict_pretrained, evidence=pretrained)
    assert set(values["variant"]) == {"masked"}
    assert values.groupby("example")["hidden"].sum().tolist() == [31, 31]


def test_models_that_were_not_pretrained_are_said_to_be(draw, verdict_pretrained, untrained):
    assert "pretrained" in draw("reconstructions", verdict=verdict_pretrained, evidence=untrained)["reason"][0]
