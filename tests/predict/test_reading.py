"""Reading spectra: a damaged file is one error that names it, a fault of our own is not, and nothing is read as what it is not."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from logg1m.files import InputError
from logg1m.predict.reading import Options, arrays, open_spectra
from logg1m.predict.running import blocks, require_told_apart
from logg1m.sources.pfs.wave import KEY

WAVE = 7100.0 + 4.5 * np.arange(390)


def given(n: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    return {"wave": WAVE, "flux": rng.normal(1, 0.1, (n, 390)), "error": np.full((n, 390), 0.1)}


def npz(path: Path, **values: np.ndarray) -> Path:
    np.savez(path, **(given() | values))
    return path


def shard(path: Path, **values: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        file[KEY] = WAVE
        for name, value in (given() | values).items():
            if name != "wave":
                file[f"dataset/arrays/{name}/value"] = value
    return path


def read(path: Path) -> int:
    return sum(map(len, blocks([open_spectra(path, Options())], None)))


@pytest.mark.parametrize("fault", [AttributeError, NameError, AssertionError, TypeError, NotImplementedError])
def test_a_fault_of_our_own_is_not_blamed_on_the_file(tmp_path, monkeypatch, fault):
    def wrong(*_: object) -> None:
        raise fault("no user's doing")

    monkeypatch.setattr(arrays, "_numbers", wrong)
    with pytest.raises(fault, match="no user's doing"):
        open_spectra(npz(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    "values",
    [
        {"v_los": np.zeros(2)},
        {"v_los": np.array(["fast"] * 3)},
        {"wave": WAVE.astype(str)},
        {"wave_unit": np.array(["nm", "um"])},
        {"mask": np.full((3, 390), "no")},
        {"mask": np.zeros((2, 390))},
        {"catId": np.array([1, 2])},
    ],
    ids=lambda values: next(iter(values)),
)
def test_arrays_that_do_not_fit_are_blamed_on_the_file(tmp_path, values):
    with pytest.raises(InputError, match=r"a\.npz"):
        read(npz(tmp_path / "a.npz", **values))


@pytest.mark.filterwarnings("ignore")  # of astropy, about what is damaged
@pytest.mark.parametrize("kind", ["single", "table", "wcs", "coadd", "tables"])
def test_a_damaged_fits_file_is_read_or_one_error_that_names_it(tmp_path, kind):
    pytest.importorskip("astropy")
    from predict.made_fits import pfs_coadd, pfs_single

    whole, path, rng = tmp_path / "whole.fits", tmp_path / "cut.fits", np.random.default_rng(7)
    flux, mask = given()["flux"] * 1e-17, np.zeros((3, 390), dtype=int)
    if kind in ("coadd", "tables"):
        pfs_coadd(whole, WAVE, flux, flux / 10, mask, images=kind == "coadd")
    else:
        pfs_single(whole, WAVE, flux[0], flux[0] / 10, mask[0], wcs=kind == "wcs", covariance=kind != "table")
    content, refused = whole.read_bytes(), list[str]()
    cards = [at for at in range(0, len(content), 80) if b"= " in content[at : at + 80]]
    for _ in range(25):
        damaged, at = bytearray(content), int(rng.choice(cards))
        value = rng.choice(["0", "-1", "999", "'x'", "T", "1.5", "", "1e400"])
        damaged[at + 10 : at + 80] = str(value).rjust(20).ljust(70).encode()
        path.write_bytes(damaged[: None if rng.random() < 0.8 else int(rng.integers(len(damaged)))])
        try:
            read(path)
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 5
    assert all("cut.fits" in said for said in refused)


def test_a_fits_file_that_leads_back_to_itself_ends(tmp_path):
    """A negative size of an HDU leads back to it, again and again."""
    pytest.importorskip("astropy")
    from predict.made_fits import pfs_single

    path, flux = tmp_path / "loop.fits", given()["flux"][0] * 1e-17
    pfs_single(path, WAVE, flux, flux / 10, np.zeros(390, dtype=int))
    content = bytearray(path.read_bytes())
    at = content.rfind(b"GCOUNT  =", 0, content.find(b"'COVAR"))
    content[at + 28 : at + 30] = b"-1"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"loop\.fits: more than 100 HDUs"):
        read(path)


def test_arms_that_were_merged_are_not_taken_for_one(tmp_path):
    """A coadd of a star that was seen in r and in m has pixels of both resolutions in one array."""
    pytest.importorskip("astropy")
    from predict.made_fits import pfs_single

    flux, mask = given()["flux"][0] * 1e-17, np.zeros(390, dtype=int)
    for arms, covered in ((("b", "m"), True), (("b", "r", "m"), False), (("r",), False)):
        pfs_single(tmp_path / "a.fits", WAVE, flux, flux / 10, mask, arms=arms)
        (block,) = open_spectra(tmp_path / "a.fits").blocks()
        assert np.isfinite(block.wave).any() == covered
        said = "left out: 1 spectra in which it is merged with arm r" in str(block.steps)
        assert said == ("r" in arms and "m" in arms)


def test_a_shard_whose_mask_has_another_shape_is_refused(tmp_path):
    assert read(shard(tmp_path / "a.h5", mask=np.zeros((3, 390), dtype=np.int64))) == 3
    for shape in ((3, 389), (2, 390), (390, 3)):
        path = shard(tmp_path / "a.h5", mask=np.zeros(shape, dtype=np.int64))
        with pytest.raises(InputError, match=rf"a\.h5: mask has shape \({shape[0]}, {shape[1]}\), expected \(3, 390\)"):
            read(path)


@pytest.mark.parametrize("write", [npz, shard])
@pytest.mark.parametrize("factor", [1e-42, 1e42, 1e300])
def test_numbers_that_single_precision_cannot_hold_are_refused(tmp_path, write, factor):
    path = tmp_path / f"a.{'npz' if write is npz else 'h5'}"
    for name in ("flux", "error"):
        scaled = given()[name].copy()
        scaled[1] *= factor
        with pytest.raises(InputError, match=f"the {name} of spectrum 1 is of the size .*multiply flux and error"):
            read(write(path, **{name: scaled}))
    for scale in (1e-25, 1e25):
        assert read(write(path, flux=given()["flux"] * scale, error=given()["error"] * scale)) == 3


@pytest.mark.parametrize("write", [npz, shard])
def test_single_pixels_and_masked_ones_may_hold_anything(tmp_path, write):
    flux, mask = given()["flux"].copy(), np.zeros((3, 390), dtype=np.int64)
    flux[0, 32], flux[1], mask[1] = 1e200, 1e200, 4
    assert read(write(tmp_path / f"a.{'npz' if write is npz else 'h5'}", flux=flux, mask=mask)) == 3


def told(catalogues: list[int], objects: list[int], table: dict[str, list[int]]) -> None:
    """As two blocks of one spectrum and of the others."""
    seen: dict[object, int] = {}
    whole = pd.DataFrame({"input": "a.npz", "row": range(len(objects)), "catId": catalogues, "objId": objects})
    for part in (whole[:1], whole[1:]):
        require_told_apart(part, pd.DataFrame(table | {"v_los": [1.0]}), Path("rv.csv"), seen)


def test_an_identifier_that_could_be_two_stars_gets_no_velocity(tmp_path):
    with pytest.raises(InputError, match=r"rv\.csv .*objId 7 .*of the catalogues 1 and 2: add a column catId"):
        told([1, 2], [7, 7], {"objId": [7]})
    with pytest.raises(InputError, match=r"objId 7 is there more than once, of spectra without catId"):
        told([-1, -1, -1], [7, 8, 7], {"objId": [7]})
    told([1, 1], [7, 7], {"objId": [7]})  # one star, seen twice
    told([1, 2], [7, 7], {"objId": [7], "catId": [1]})
    told([-1, -1], [7, 7], {"row": [0]})
