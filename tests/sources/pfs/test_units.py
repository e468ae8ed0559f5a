"""Numbers in other units, and rows that were never filled, are refused with the unit that they look like."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from logg1m.files import InputError
from logg1m.sources.pfs.shard import Shard
from logg1m.sources.wavelengths import looks_like, possible
from tests.sources.pfs.spoiling import ERROR, FLUX, WAVE, edit, put, replace, source

RED = 7100 + (np.arange(4096) + 0.5) * 1750 / 4096  # Å, vacuum


@pytest.mark.parametrize(
    ("numbers", "unit"),
    [
        (RED / 10, "nm"),
        (RED / 1e4, "µm"),
        (RED / 1e10, "m"),
        (np.log10(RED), "log10 of wavelengths in Å"),
        (np.log(RED), "natural logarithms of wavelengths in Å"),
        (1e8 / RED, "wavenumbers in cm⁻¹"),
        (2.99792458e18 / RED, "frequencies in Hz"),
        (np.arange(4096.0) / 5, "no unit of wavelength"),
    ],
)
def test_wavelengths_that_cannot_be_angstrom_are_refused(shard: Path, numbers: np.ndarray, unit: str) -> None:
    edit(shard, replace(WAVE, numbers))
    with pytest.raises(InputError, match=rf"shard\.h5: spectrumdataset/wave runs from .*cannot be Å.*look like {unit}"):
        source(shard)


def test_all_arms_are_possible() -> None:
    for low, high in ((3800, 6500), (6300, 9700), (7100, 8850), (9400, 12600)):
        assert possible(np.linspace(low, high, 100))
    assert not possible(np.linspace(7100, 8850, 100) * 1.6)
    assert "nm" in looks_like(np.linspace(380, 1260, 100))


def test_what_lies_outside_the_red_arm_is_said_to_be_unchecked(shard: Path) -> None:
    edit(shard, replace(WAVE, np.linspace(3900.0, 6400.0, 4096)))
    assert any("not those of the red arm" in notice for notice in Shard(shard).notices)


@pytest.mark.parametrize("factor", [1e-17, 1e12])
def test_an_error_on_another_scale_than_the_flux_is_refused(shard: Path, factor: float) -> None:
    with h5py.File(shard) as file:
        error = file[ERROR][()]
    edit(shard, replace(ERROR, error * factor))
    with pytest.raises(InputError, match=r"flux/error is \S+ in the median pixel, expected about 0\.1 … 1000"):
        source(shard)


def test_an_inverse_variance_is_suspected(shard: Path) -> None:
    with h5py.File(shard) as file:
        error = file[ERROR][()]
    edit(shard, replace(ERROR, 1 / error**2))
    assert any("is the error 1σ" in notice for notice in Shard(shard).notices)


def test_flux_and_error_in_physical_units_are_only_scaled(shard: Path) -> None:
    before = Shard(shard).read(0, 16)
    with h5py.File(shard) as file:
        flux, error = file[FLUX][()], file[ERROR][()]
    edit(shard, replace(FLUX, flux * 3e-18))
    edit(shard, replace(ERROR, error * 3e-18))
    after = Shard(shard).read(0, 16)
    np.testing.assert_allclose(after.flux, before.flux, rtol=1e-5)
    np.testing.assert_allclose(after.error, before.error, rtol=1e-5)
    assert after.renormalised.all()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("T_eff", 4.5, "T_eff of row 5 is 4.5 .*expected 500 … 500000 K; is it in kK"),
        ("T_eff", -1.0, "was the row never filled"),
        ("log_g", 10_000.0, r"log_g of row 5 is 10000 .*dex \(cgs\)"),
        ("M_H", -99.0, "M_H of row 5 is -99 .*expected -10 … 3 dex"),
        ("mag", -9999.0, "mag of row 5 is -9999 .*Write NaN"),
        ("redshift", 120.0, r"redshift of row 5 is 120 .*is it a velocity in km/s"),
    ],
)
def test_impossible_labels_are_refused(shard: Path, column: str, value: float, message: str) -> None:
    table = pd.read_hdf(shard, "dataset/params")
    table.loc[5, column] = value
    table.to_hdf(shard, key="dataset/params", mode="r+", format="table")
    with pytest.raises(InputError, match=message):
        source(shard)


def test_one_scale_written_for_every_spectrum_is_accepted_and_others_are_not(shard: Path) -> None:
    def to_own(file: h5py.File) -> None:
        wave = file[WAVE][()]
        del file["spectrumdataset"]
        file["dataset/arrays/wave/value"] = np.tile(wave, (16, 1))

    before = source(shard).read(0, 16).arrays["flux"]
    edit(shard, to_own)
    after = source(shard)
    np.testing.assert_allclose(after.wave, RED, atol=1e-9)
    np.testing.assert_array_equal(after.read(0, 16).arrays["flux"], before)
    edit(shard, put("dataset/arrays/wave/value", 7, RED * (1 + 1e-4)))
    with pytest.raises(InputError, match=r"every spectrum has its own wavelengths .*row 7 differ .*up to 0\.88\d+ Å"):
        source(shard)


def test_spectra_of_one_log_g_are_refused(made: Path, tmp_path: Path) -> None:
    paths = [Path(shutil.copy(made / "train_2.h5", tmp_path / f"{k}.h5")) for k in range(2)]
    table = pd.read_hdf(paths[1], "dataset/params").assign(log_g=4.5)
    table.to_hdf(paths[1], key="dataset/params", mode="r+", format="table")
    with pytest.raises(
        InputError, match=r"data\.pfs_hdf5\.val: its 16 spectra all have log_g = 4\.5; expected at least"
    ):
        source(paths[0], val=[str(paths[1])])
    with pytest.raises(InputError, match=r"data\.pfs_hdf5\.train: its 16 spectra"):
        source(paths[1])
