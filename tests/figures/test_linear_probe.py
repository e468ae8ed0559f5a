import numpy as np


def test_probes_stand_beside_the_fine_tuned_model(draw, verdict_pretrained, pretrained):
    row = draw("linear_probe", verdict=verdict_pretrained, evidence=pretrained).iloc[0]
    assert row[["R² full, random", "R² full, pretrained", "R² full, fine-tuned"]].tolist() == [0.2, 0.4, 0.6]
    assert np.isnan(row["R² low_noise, pretrained"])


def test_models_that_were_not_pretrained_are_said_to_be(draw, verdict_pretrained, untrained):
    assert "pretrained" in draw("linear_probe", verdict=verdict_pretrained, evidence=untrained)["reason"][0]
