"""The survey's FITS files: nm and nJy at the survey's sampling say what the same star says as a shard."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("astropy")

from predict.made_fits import PLANES, pfs_coadd, pfs_single

from logg1m.files import InputError
from logg1m.ids import CONFIRMATION, first
from logg1m.observe import WAVE
from logg1m.predict.reading import Options, open_spectra
from logg1m.predict.running import Asking, dry_run, predict_blocks, predict_files
from logg1m.predict.stars import SURVEY_WAVE, Sampling
from logg1m.predict.steps import make_ready
from logg1m.predict.writing import read_predictions

N = 6


@pytest.fixture(scope="module")
def stars(small_source):
    """Noise-free stars at the survey's sampling (erg/s/cm²/Å), and the same as the simulator has them."""
    ids = first(N, CONFIRMATION)
    flux, error, scale, _ = Sampling(small_source).spectra(ids)
    block = small_source.simulate(int(ids[0]), int(ids[-1]) + 1)
    return flux * scale[:, None], error * scale[:, None], block.arrays


def predicted(predictor, path, options=None, frame="rest"):
    reader = open_spectra(path, options or Options())
    return predict_blocks(predictor, reader.blocks(), Asking(frame=frame), reader.n_spectra)


def difference(predictor, path, native, frame="rest", velocity=0.0) -> float:
    """Largest difference in log g between noise-free stars through a file and the same on the model's own pixels."""
    (block,) = open_spectra(path).blocks()
    ready = make_ready(replace(block, velocity=np.full(len(block), velocity)), WAVE, frame)
    found = [predictor.model.infer(flux)[0][:, 0] for flux in (ready.flux, native["flux"][: len(block)])]
    return float(np.abs(found[0] - found[1]).max())


def test_the_same_pixels_in_nm_and_njy_are_the_same_spectrum(predictor, stars, tmp_path):
    """Only the units differ, and that a file has single precision."""
    native = stars[2]
    noise = native["error"] * np.random.default_rng(3).standard_normal(native["flux"].shape).astype(np.float32)
    noisy = {"flux": native["flux"] + noise}
    noisy["flux"] *= 0.5 / np.median(noisy["flux"], axis=1, keepdims=True)
    scale = 1e-18 * np.arange(1, N + 1)[:, None]
    mask = np.zeros(noise.shape, dtype=int)
    pfs_coadd(tmp_path / "same.fits", WAVE, noisy["flux"] * scale, native["error"] * scale, mask)
    assert difference(predictor, tmp_path / "same.fits", noisy) < 1e-5


@pytest.mark.parametrize("kind", ["single", "wcs", "flux_table", "coadd", "coadd_tables"])
def test_a_noise_free_star_in_fits_has_the_log_g_that_it_has_as_a_shard(predictor, stars, tmp_path, kind):
    flux, error, native = stars
    mask = np.zeros(flux.shape, dtype=np.int64)
    path = tmp_path / "pfs.fits"
    if kind.startswith("coadd"):
        pfs_coadd(path, SURVEY_WAVE, flux, error, mask, images=kind == "coadd")
    else:
        pfs_single(path, SURVEY_WAVE, flux[0], error[0], mask[0], wcs=kind == "wcs", covariance=kind != "flux_table")
    assert difference(predictor, path, native) < 0.01
    found, steps = predicted(predictor, path)
    assert found["catId"].eq(77 if kind.startswith("coadd") else 10).all()
    assert found["objId"].iloc[0] == (1_000 if kind.startswith("coadd") else 0x1234567890)
    assert any("nJy" in step for step in steps)
    assert any("rebinning" in step for step in steps)


def test_a_velocity_is_removed(predictor, stars, tmp_path):
    flux, error, native = stars
    v = 120.0
    pfs_coadd(tmp_path / "moved.fits", SURVEY_WAVE * (1 + v / 299792.458), flux, error, np.zeros(flux.shape, dtype=int))
    assert difference(predictor, tmp_path / "moved.fits", native, "observed", v) < 0.01
    assert difference(predictor, tmp_path / "moved.fits", native, "rest") > 0.05


def test_a_missing_velocity_is_an_error_that_says_what_to_do(predictor, stars, tmp_path):
    flux, error, _ = stars
    pfs_coadd(tmp_path / "a.fits", SURVEY_WAVE, flux, error, np.zeros(flux.shape, dtype=int))
    with pytest.raises(InputError, match=r"no radial velocity for row 0 .*--v-los.*--frame rest"):
        predicted(predictor, tmp_path / "a.fits", frame="observed")
    with pytest.raises(InputError, match="no radial velocity"):
        dry_run([tmp_path / "a.fits"], predictor, Asking())


def test_bits_are_read_by_the_files_own_names(predictor, stars, tmp_path):
    flux, error, _ = stars
    mask = np.zeros(flux.shape[1], dtype=np.int64)
    mask[1_000:1_050], mask[2_000:2_010], mask[3_000:3_020] = (
        1 << PLANES["CR"],
        1 << PLANES["IPC"],
        1 << PLANES["BAD_FLUXCAL"],
    )
    spoilt = flux[0].copy()
    spoilt[1_000:1_050], spoilt[3_000:3_020] = 1e-10, np.nan
    pfs_single(tmp_path / "a.fits", SURVEY_WAVE, spoilt, error[0], mask)
    by_default, _ = predicted(predictor, tmp_path / "a.fits")
    assert by_default["n_masked"].iloc[0] == pytest.approx(70 * 0.45 / 0.4272, abs=3)  # IPC is nothing that spoils
    only, _ = predicted(predictor, tmp_path / "a.fits", Options(("CR", "IPC", "20")))
    assert only["n_masked"].iloc[0] == pytest.approx(80 * 0.45 / 0.4272, abs=4)
    with pytest.raises(InputError, match=r"--mask-bits COSMIC: there is no such bit; the file has BAD, "):
        predicted(predictor, tmp_path / "a.fits", Options(("COSMIC",)))
    pfs_single(tmp_path / "b.fits", SURVEY_WAVE, flux[0], error[0], mask, cards=False)
    with pytest.raises(InputError, match="no MP_ card"):
        predicted(predictor, tmp_path / "b.fits")


def test_a_star_without_the_medium_resolution_arm_is_not_covered(predictor, stars, tmp_path):
    flux, error, _ = stars
    pfs_single(
        tmp_path / "r.fits", SURVEY_WAVE, flux[0], error[0], np.zeros(flux.shape[1], dtype=int), arms=("b", "r", "n")
    )
    found, _ = predicted(predictor, tmp_path / "r.fits")
    assert found["log_gStatus"].tolist() == ["COVERAGE"]
    assert found["flag"].all()
    assert np.isnan(found["log_g"].iloc[0])


def test_merged_spectra_and_others_are_refused_with_the_reason(tmp_path):
    from astropy.io import fits

    names = ("FIBERID", "WAVELENGTH", "FLUX", "MASK", "SKY", "NORM", "COVAR")
    images = [fits.ImageHDU(np.zeros((2, 8)), name=name) for name in names]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(tmp_path / "merged.fits")
    with pytest.raises(InputError, match=r"pfsMerged file: its flux is in electrons per nm"):
        open_spectra(tmp_path / "merged.fits")
    fits.HDUList([fits.PrimaryHDU(), images[2]]).writeto(tmp_path / "other.fits")
    with pytest.raises(InputError, match="no HDU MASK, TARGET"):
        open_spectra(tmp_path / "other.fits")


def test_predictions_have_units_and_steps_in_every_format(predictor, stars, tmp_path):
    from astropy.io import fits

    flux, error, _ = stars
    pfs_coadd(tmp_path / "a.fits", SURVEY_WAVE, flux, error, np.zeros(flux.shape, dtype=int))
    tables = {}
    for suffix in ("fits", "ecsv", "parquet"):
        out = tmp_path / f"out.{suffix}"
        assert predict_files([tmp_path / "a.fits"], predictor, out, Asking(frame="rest"))[0] == N
        tables[suffix] = read_predictions(out)
        with pytest.raises(InputError, match="--overwrite"):
            predict_files([tmp_path / "a.fits"], predictor, out, Asking(frame="rest"))
    for other in ("ecsv", "parquet"):
        assert list(tables[other]) == list(tables["fits"])
        np.testing.assert_allclose(tables[other]["log_g_p16"], tables["fits"]["log_g_p16"], rtol=1e-6)
        assert tables[other]["log_gStatus"].astype(str).tolist() == tables["fits"]["log_gStatus"].tolist()
    with fits.open(tmp_path / "out.fits") as hdus:
        header = hdus["PREDICTIONS"].header
        units = {header[f"TTYPE{k}"]: header.get(f"TUNIT{k}") for k in range(1, header["TFIELDS"] + 1)}
        assert units["log_gErr"] == "dex"
        assert units["v_los"] == "km s-1"
        assert header["MODEL_ID"] == predictor.model.identity
        history = str(header["HISTORY"])
    for word in ("nJy", "rest frame", "rebinning", "masked pixels", "amplitude", "recipe", "bits"):
        assert word in history
