"""Spectra on the page: recomputed on their own, bit for bit where nothing is drawn."""

import base64
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from logg1m.noise import normal
from logg1m.report.page import viewer
from logg1m.results.numbers import Cursor
from logg1m.spectra.store import Store


def unpacked(value: dict[str, str]) -> np.ndarray:
    return np.frombuffer(
        base64.b64decode(value["bdata"]), dtype={"f4": "<f4", "f8": "<f8", "i2": "<i2"}[value["dtype"]]
    )


def about(store: Store) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = store.n_spectra
    snr = rng.uniform(1, 8, n)
    pool = np.where(np.arange(n) % 5 == 0, "test", "train")
    return pd.DataFrame({"snr": snr, "pool": pool, "low_noise": snr > 5, "rank": np.arange(n)}, index=np.arange(n))


@pytest.fixture(scope="module")
def shown(small_store: Store) -> dict[str, Any]:
    pixels = pd.DataFrame({"wave": small_store.wave, "error_mean": np.linspace(1, 2, len(small_store.wave))})
    variants = {"lines": {"label": "<lines>", "windows": [{"vacuum": 8500.0, "half_width": 10.0, "status": "used"},
                                                         {"vacuum": 6564.0, "half_width": 10.0, "status": "out"}]}}  # fmt: skip
    return viewer.viewer(small_store, about(small_store), pixels, pd.DataFrame(), Cursor(variants, "v.json"), 5, 1.0)


def test_the_viewer_shows_spectra_of_the_test_pool_as_the_store_has_them(shown, small_store):
    flux, error, labels = small_store.read(0, "flux"), small_store.read(0, "error"), small_store.labels()
    members = about(small_store)
    ids = [s["id"] for s in shown["spectra"]]
    assert len(set(ids)) == 6
    assert (members.loc[ids, "pool"] == "test").all()
    seen = 0
    for s in shown["spectra"]:
        assert (s["logg"], s["teff"]) == tuple(float(labels.loc[s["id"], n]) for n in ("logg", "teff"))
        if s["id"] < len(flux):
            seen += 1
            row = flux[s["id"]], error[s["id"]]
            assert np.array_equal(unpacked(s["flux"]), row[0])
            assert np.array_equal(unpacked(s["error"]), row[1])
            noise = normal(5, torch.tensor([s["id"]]), len(row[0]), 0).numpy()[0]
            np.testing.assert_allclose(unpacked(s["noisy"]), row[0] + row[1] * noise, rtol=1e-5, atol=1e-5)
    assert seen


def test_the_viewer_has_giants_and_dwarfs_from_low_noise_to_noisy(shown):
    kinds = [(s["logg"] >= 3.0) for s in shown["spectra"]]
    assert kinds == [True, False] * 3
    levels = [s["snr"] for s in shown["spectra"]]
    assert min(levels[:2]) > max(levels[2:4]) > min(levels[2:4]) > max(levels[4:])


def test_windows_out_of_range_are_not_drawn(shown):
    assert shown["windows"] == [{"label": "<lines>", "spans": [[8490.0, 8510.0]]}]
    assert "Hα" in shown["out_of_range"]
