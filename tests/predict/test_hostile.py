"""What would be a wrong number without a word, or a traceback, is one error, or a flag."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import logg1m
from logg1m.files import InputError, read_parquet, read_tensors, write_parquet, write_tensors
from logg1m.predict import calibration, running
from logg1m.predict.reading import Options, open_spectra, spectra_of
from logg1m.predict.reading.arrays import ArraySpectra, of_arrays
from logg1m.predict.running import Asking, predict_files, require_unique, velocities, with_velocity
from logg1m.predict.steps import Ready, make_ready
from logg1m.predict.writing import read_predictions

WAVE = 7100.0 + 0.45 * np.arange(3900)


def arrays(n: int = 3, **further: object) -> dict[str, object]:
    rng = np.random.default_rng(3)
    return {"wave": WAVE, "flux": rng.normal(1, 0.1, (n, 3900)), "error": np.full((n, 3900), 0.1), **further}


def of_checked(values: dict[str, object]) -> ArraySpectra:
    with spectra_of(Path("given.npz")):
        return of_arrays(values, Path("given.npz"))


def ready_of(**values: object) -> Ready:
    return make_ready(next(of_checked(values).blocks()), WAVE[50:-50] + 0.1, "rest")


@pytest.fixture(scope="module")
def loaded(model_folder):
    return logg1m.load(model_folder)


@pytest.mark.parametrize("left", [1, 2, 70])
def test_pixels_that_were_left_out_are_pixels_that_are_masked(left):
    given = arrays()
    keep = np.ones(3900, dtype=bool)
    keep[2000 : 2000 + left] = False
    mask = np.broadcast_to(~keep, (3, 3900))
    masked = ready_of(**given, mask=mask)
    dropped = ready_of(wave=WAVE[keep], flux=given["flux"][:, keep], error=given["error"][:, keep])
    np.testing.assert_array_equal(dropped.n_masked, masked.n_masked)
    np.testing.assert_array_equal(np.isnan(dropped.flux), np.isnan(masked.flux))
    good = ~np.isnan(masked.flux)
    assert np.abs(dropped.flux - masked.flux)[good].max() < 0.05, "beside the gap the polynomial sees other fill values"
    lost = np.where(keep, WAVE, np.nan)
    np.testing.assert_array_equal(ready_of(**(given | {"wave": lost})).n_masked, masked.n_masked)


def test_falling_wavelengths_are_turned_round():
    given = arrays()
    turned = {name: np.asarray(value)[..., ::-1] for name, value in given.items()}
    np.testing.assert_array_equal(ready_of(**turned).flux, ready_of(**given).flux)


def test_quantiles_never_cross_and_stay_within_the_prior(loaded):
    rng = np.random.default_rng(1)
    n = 20_000
    crossing = calibration.Calibration(
        np.array([1.0, 50.0]),
        np.tile([1.0, 5.0], (2, 1)),
        {name: np.full((2, 2), value) for name, value in zip(("rms", *calibration.LEVELS), (1, -2, -1, 0, 1.1, 0.9))},
    )
    found = crossing(rng.uniform(1, 5, n), rng.uniform(1, 60, n), np.ones(n))
    levels = np.stack([found[name] for name in calibration.LEVELS])
    assert (np.diff(levels, axis=0) >= 0).all()
    stars = logg1m.simulate(teff=np.full(64, 4500.0), logg=np.linspace(1, 5, 64), m_h=-1.0, mag=22.5)
    table = loaded.predict(stars)
    low, high = loaded._predictor.judged.prior
    for name in calibration.LEVELS:
        values = np.asarray(table[f"log_g_{name}"])
        assert ((values >= low) & (values <= high)).all()


def test_units_that_differ_or_are_missing_are_refused(loaded):
    u = pytest.importorskip("astropy.units")
    given = arrays()
    for changes in ({"error": given["error"] * u.nJy}, {"flux": given["flux"] * u.nJy}):
        with pytest.raises(InputError, match="one unit for both"):
            loaded.predict(**(given | changes), v_los=0.0)
    with pytest.raises(InputError, match=r"units f_lambda, njy in one file"):
        of_checked(given | {"flux_unit": ["nJy", "f_lambda", "nJy"]})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frame": "Rest"}, "frame = 'Rest'"),
        ({"amplitude": "Median"}, "amplitude = 'Median'"),
        ({"estimator": "best"}, "estimator = 'best'"),
        ({"v_los": 4e5}, "of no star"),
        ({"v_los": [1.0, 2.0]}, "not understood"),
        ({"flux": np.ones((3, 3900)) * 1j}, "real numbers"),
        ({"flux": []}, "holds no spectrum"),
    ],
)
def test_options_and_arrays_that_mean_nothing_are_refused(loaded, options, message):
    with pytest.raises(InputError, match=message):
        loaded.predict(**(arrays() | {"v_los": 0.0} | options))


def test_a_masked_array_is_masked():
    given = arrays()
    hidden = np.zeros((3, 3900), dtype=bool)
    hidden[:, 100:130] = True
    found = of_checked(given | {"flux": np.ma.array(given["flux"], mask=hidden)}).spectra
    assert np.isnan(found.flux[hidden]).all()
    assert np.isfinite(found.flux[~hidden]).all()


@pytest.mark.parametrize(
    "value", [[1.7, 2, 3], [np.nan, 2, 3], np.array([1, 2, 2**63], dtype=np.uint64), ["a", "b", "c"]]
)
def test_identifiers_that_would_change_are_refused(value):
    with pytest.raises(InputError, match="64-bit integers"):
        of_checked(arrays(objId=value))
    exact = 2**62 + np.arange(3)
    np.testing.assert_array_equal(of_checked(arrays(objId=exact)).spectra.identity["objId"], exact)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objId,v_los\n4611686018427387905,3\n,5\n", "an integer in every line"),
        ("objId,v_los\nstar,3\n", "an integer in every line"),
        ("row,v_los\n0,3 km/s\n", "v_los holds"),
        ("row,v_los\n0,3\n0,4\n", "twice"),
        ("row,velocity\n0,3\n", "expected v_los"),
    ],
)
def test_tables_of_velocities_that_could_match_another_star_are_refused(tmp_path, text, message):
    table = tmp_path / "rv.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=message):
        velocities(table)


def test_a_velocity_belongs_to_the_catalogue_that_its_line_names(tmp_path):
    table = tmp_path / "rv.csv"
    table.write_text("catId,objId,v_los\n1,7,10\n2,7,20\n")
    spectra = of_checked(arrays(catId=[2, 1, 3], objId=[7, 7, 7])).spectra
    found = with_velocity(spectra, Asking(rv=table), velocities(table)).velocity
    np.testing.assert_array_equal(found, [20, 10, np.nan])


def test_lines_that_could_be_about_two_files_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "x.npz", **arrays())
    readers = [open_spectra(tmp_path / folder / "x.npz", Options()) for folder in ("a", "b")]
    for table in (
        pd.DataFrame({"row": [0], "v_los": [1.0]}),
        pd.DataFrame({"input": ["x.npz"], "row": [0], "v_los": [1.0]}),
    ):
        with pytest.raises(InputError, match=r"numbers rows|same name"):
            require_unique(readers, table, tmp_path / "rv.csv")


def test_an_input_is_never_the_output(tmp_path, loaded):
    path = tmp_path / "in.parquet"
    pd.DataFrame({name: list(np.broadcast_to(value, (3, 3900))) for name, value in arrays().items()}).to_parquet(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="one of the inputs"):
        predict_files([path], loaded._predictor, path, Asking(frame="rest"), overwrite=True)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut", b"", b"\x93NUMPY"])
def test_damaged_files_are_one_error_that_names_them(tmp_path, content):
    path = tmp_path / "cut.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"cut\.npz"):
        open_spectra(path, Options())


def test_a_name_that_fits_cannot_hold_is_written_all_the_same(tmp_path, loaded):
    pytest.importorskip("astropy")
    path = tmp_path / "gööd ñ.npz"
    np.savez(path, **arrays())
    assert predict_files([path], loaded._predictor, tmp_path / "out.fits", Asking(frame="rest"))[0] == 3
    assert read_predictions(tmp_path / "out.fits")["input"].str.startswith("g\\xf6\\xf6d").all()


@pytest.mark.parametrize("name", ["calibration.parquet", "model.json", "self_test.safetensors"])
def test_a_folder_whose_files_do_not_belong_together_is_refused(tmp_path, model_folder, name):
    copy = shutil.copytree(model_folder, tmp_path / "model")
    path = copy / name
    if name.endswith(".parquet"):
        write_parquet(path, read_parquet(path).assign(rms=lambda table: table["rms"] / 10))
    elif name.endswith(".json"):
        about = json.loads(path.read_text())
        path.write_text(json.dumps(about | {"limits": {}}))
    else:
        tensors = read_tensors(path)
        write_tensors(path, tensors | {"labels": tensors["labels"] * np.nan})
    with pytest.raises(InputError, match="written together"):
        logg1m.load(copy)


def test_after_an_error_no_further_block_is_begun(loaded, monkeypatch):
    begun = []

    def work(*_: object) -> object:
        begun.append(1)
        raise InputError("no")

    monkeypatch.setattr(running, "make_ready", work)
    spectra = of_checked(arrays(30, v_los=np.zeros(30))).spectra
    with pytest.raises(InputError, match="no"):
        running.predict_blocks(loaded._predictor, iter([spectra] * 50), Asking(), 1500)
    assert len(begun) <= 4
