"""Figures of the page: values of spectra and residuals recomputed on their own."""

import base64
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from logg1m.figures.interactive import packed, plain, pluck
from logg1m.noise import normal
from logg1m.report.page import residuals, viewer
from logg1m.report.page.numbers import cell, point, show
from logg1m.results.numbers import Number, Traced, fixed, readable
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
    return viewer.viewer(small_store, about(small_store), pixels, None, Traced(variants, "v.json"), 5, 1.0)


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


def test_residual_maps_are_the_means_of_their_cells():
    rng = np.random.default_rng(2)
    n = 3_000
    labels = pd.DataFrame(
        {"teff": rng.uniform(3750, 6000, n), "logg": rng.uniform(1, 5, n), "m_h": rng.uniform(-2.5, 0.5, n)}
    )
    table = pd.DataFrame({"id": np.arange(n), "truth": labels["logg"]})
    table["predicted"] = table["truth"] + 0.3 * (labels["teff"] > 5000) + rng.normal(0, 0.01, n)
    members = pd.DataFrame({"low_noise": np.arange(n) % 3 == 0})
    made = residuals.maps({"m": table}, labels, members)["cells"]["m"]["full"]["teff-logg"]
    error = table["predicted"] - table["truth"]
    for i in range(len(made["y"]) - 1):
        for j in range(len(made["x"]) - 1):
            inside = labels["teff"].between(made["x"][j], made["x"][j + 1], inclusive="left") & labels["logg"].between(
                made["y"][i], made["y"][i + 1], inclusive="left"
            )
            assert made["n"][i][j] == inside.sum()
            if inside.sum() >= 5:
                assert made["mean"][i][j] == pytest.approx(error[inside].mean())
                assert made["mae"][i][j] == pytest.approx(error[inside].abs().mean())
            else:
                assert made["mean"][i][j] is None
    assert made["x"][1] - made["x"][0] == 250.0


def test_residual_maps_of_few_spectra_have_wider_cells_and_of_none_are_empty():
    labels = pd.DataFrame({"teff": [4000.0, 4400.0], "logg": [1.0, 2.0], "m_h": [0.0, 0.0]})
    table = pd.DataFrame({"id": [0, 1], "truth": [1.0, 2.0], "predicted": [1.0, 2.0]})
    made = residuals.maps({"m": table}, labels, pd.DataFrame({"low_noise": [False, False]}))["cells"]["m"]
    assert made["full"]["teff-logg"]["x"] == [4000.0, 4500.0]
    assert made["low_noise"]["teff-logg"]["n"] == []


@pytest.mark.parametrize("kind", ["float32", "float64", "int16"])
def test_packed_arrays_come_back_bit_for_bit(kind):
    values = (np.arange(7) - 3).astype(kind)
    assert np.array_equal(unpacked(packed(values)), values)


def test_a_column_says_where_every_value_stands():
    rows = Traced({"a": {"b": [{"r2": {"value": 0.5}}, {}]}}, "f.json").at("a", "b")
    column = pluck(rows, "r2", "value")
    assert column.values == (0.5, None)
    assert column.paths[0] == "a/b/0/r2/value"
    assert column.source == "f.json#/a/b/*/r2/value"
    assert column.at([1]).values == (None,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(fixed(-0.0001), "0.000"), (fixed(-0.25, 2, True), "−0.25"), (fixed(0.25, 2, True), "+0.25"), (fixed(12345), "12,345"),
     (readable(0.000123), "0.000123"), (readable(123456.0), "1.23e+05"), (readable(0.5), "0.500")],
)  # fmt: skip
def test_numbers_are_written_for_people(text, expected):
    assert text == expected


def test_numbers_carry_their_place_and_dashes_stand_for_nothing():
    number = Number(0.5, 0.25, 0.75, "results/a.json", "x/y")
    assert show(number).count('data-from="results/a.json#/x/y"') == 1
    assert [part in show(number) for part in ('data-part="low"', 'value="0.25"', ">0.500<")] == [True] * 3
    assert "ci" not in point(number)
    assert ">50.0 %<" in show(number, 1, False, True)
    assert show(None) == point(None) == cell(None) == cell("") == "–"
    assert cell("<b>") == "&lt;b&gt;"
    assert plain("<b>&") == "&lt;b&gt;&amp;"
