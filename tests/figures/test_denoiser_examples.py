from types import SimpleNamespace


def test_three_spectra_around_the_calcium_triplet(draw, verdict_denoised, denoised):
    values = draw("denoiser_examples", verdict=verdict_denoised, evidence=denoised)
    assert values["id"].nunique() == 3
    assert values["wave"].between(8470, 8700).all()


def test_nothing_to_show_is_said(draw, verdict_denoised):
    nothing = SimpleNamespace(denoisers={})
    assert "no variant" in draw("denoiser_examples", verdict=verdict_denoised, evidence=nothing)["reason"][0]
