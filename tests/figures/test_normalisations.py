import numpy as np
import pytest


def test_every_variant_shows_the_spectrum_with_and_without_noise(draw, verdict, made):
    variants = verdict["variants"] | {"sure": verdict["variants"]["sure"] | {"change": {"normalisation": "median"}}}
    values = draw("normalisations", verdict=verdict | {"variants": variants}, evidence=made)
    assert list(values.columns[1:]) == [f"{n}{end}" for n in variants for end in ("", "_noise_free")]
    np.testing.assert_allclose(values["plain_noise_free"], made.store.read(0, "flux")[0], rtol=1e-6)
    spread = (values["plain"] - values["plain_noise_free"]).std()
    assert spread == pytest.approx(0.1, rel=0.2)
