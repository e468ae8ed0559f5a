"""Every flag by something that raises it and nothing else; and what is no star of the training is flagged."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from logg1m.ids import CONFIRMATION, first
from logg1m.observe.pfs import WAVE
from logg1m.predict import flags, others, stars
from logg1m.predict.steps import Spectra, make_ready
from logg1m.sources.pfs.wave import CA_II_VACUUM

LIGHT = 299792.458


@pytest.fixture(scope="module")
def bright(small_source) -> Spectra:
    """Noisy stars of the training's kind, the brighter ones."""
    ids = first(256, CONFIRMATION)
    block = small_source.simulate(int(ids[0]), int(ids[-1]) + 1)
    flux, error = block.measured()
    observed = stars.noisy(flux, error, ids, 5, 1.0)
    snr = np.median(flux / error, axis=1)
    kept = snr > np.quantile(snr, 0.8)
    logg = block.labels["logg"][kept]
    inside = (logg > 2) & (logg < 4)
    return Spectra(
        WAVE, observed[kept][inside], error[kept][inside], np.zeros((inside.sum(), len(WAVE)), dtype=bool),
        np.zeros(inside.sum()), stars.identity_of("test", np.arange(inside.sum())),
    )  # fmt: skip


def status(predictor, spectra: Spectra, frame="observed") -> pd.DataFrame:
    return predictor.table(spectra, frame=frame)


@pytest.fixture(scope="module")
def one(predictor, bright) -> Spectra:
    """One star that nothing is to be said against."""
    table = status(predictor, bright)
    assert (table["log_gStatus"] == "").mean() > 0.9
    row = int(np.flatnonzero(((table["log_gStatus"] == "") & table["log_g"].between(2, 4)).to_numpy())[0])
    part = slice(row, row + 1)
    return replace(bright, flux=bright.flux[part], error=bright.error[part], bad=bright.bad[part],
                   velocity=np.zeros(1), identity=bright.identity.iloc[part])  # fmt: skip


def masked(spectra: Spectra, where: np.ndarray) -> Spectra:
    return replace(spectra, bad=np.broadcast_to(where, spectra.flux.shape).copy())


def test_nodata(predictor, one):
    table = status(predictor, masked(one, np.ones(len(WAVE), dtype=bool)))
    assert table["log_gStatus"].tolist() == ["NODATA"]
    assert table["flag"].all()
    assert table[["log_g", "log_gErr", "log_g_p50"]].isna().all(axis=None)


def test_lowsnr(predictor, one):
    """The training's faintest, with a little less light: still in the reach of the calibration."""
    level = predictor.judged.limits["snr"]
    rng = np.random.default_rng(3)
    clean = predictor.domain.mean.numpy()[None]
    snr = np.median(clean / one.error)
    error = one.error * (snr / (0.8 * level))
    words = [
        status(predictor, replace(one, flux=(clean + error * rng.standard_normal(clean.shape)).astype(np.float32), error=error))["log_gStatus"].iloc[0]
        for _ in range(5)
    ]  # fmt: skip
    assert words.count("LOWSNR") >= 3, words


def test_masked(predictor, one):
    where = np.zeros(len(WAVE), dtype=bool)
    where[np.argsort(predictor.bound.shares)[: int(0.12 * len(WAVE))]] = True
    table = status(predictor, masked(one, where))
    assert table["log_gStatus"].tolist() == ["MASKED"]
    assert not table["flag"].any()


def test_linemasked(predictor, one):
    where = np.zeros(len(WAVE), dtype=bool)
    where[np.argsort(-predictor.bound.shares)[: int(0.09 * len(WAVE))]] = True
    table = status(predictor, masked(one, where))
    assert table["log_gStatus"].tolist() == ["LINEMASKED"]
    assert not table["flag"].any()


def test_coverage(predictor, one):
    part = slice(0, 4_000)
    cut = replace(one, wave=WAVE[part], flux=one.flux[:, part], error=one.error[:, part], bad=one.bad[:, part])
    table = status(predictor, cut)
    assert table["log_gStatus"].tolist() == ["COVERAGE"]
    assert table["flag"].all()


def test_rvrange(predictor, small_source):
    """A velocity beyond the range, of a spectrum that is wide enough."""
    sampling = stars.Sampling(small_source, 7_086.0 + 0.2 * np.arange(8_904))
    ids = first(8, CONFIRMATION)
    flux, error, _, _ = sampling.spectra(ids)
    v = 510.0
    inside = slice(0, 8_904)
    spectra = Spectra(
        (sampling.wave * (1 + v / LIGHT))[inside], stars.noisy(flux, error, ids, 6, 1.0)[:, inside], error[:, inside],
        np.zeros(flux[:, inside].shape, dtype=bool), np.full(8, v), stars.identity_of("test", ids),
    )  # fmt: skip
    words = status(predictor, spectra)["log_gStatus"].tolist()
    assert words.count("RVRANGE") >= 7, words


def test_baderror(predictor, one):
    for factor in (0.3, 3.0):
        table = status(predictor, replace(one, error=one.error * np.float32(factor)))
        assert table["log_gStatus"].str.replace(" UNCALIBRATED", "").tolist() == ["BADERROR"], factor
        assert table["flag"].all()
    error = one.error.copy()
    error[:, 100:150] = -1.0
    assert status(predictor, replace(one, error=error))["log_gStatus"].tolist() == ["BADERROR"]


def test_uncalibrated(predictor, bright):
    """Spectra with far more light than any of the calibration."""
    rng = np.random.default_rng(4)
    clean, error = predictor.domain.mean.numpy()[None], bright.error[:1] / 30
    spectra = replace(bright, flux=(clean + error * rng.standard_normal(clean.shape)).astype(np.float32), error=error,
                      bad=bright.bad[:1], velocity=np.zeros(1), identity=bright.identity.iloc[:1])  # fmt: skip
    table = status(predictor, spectra)
    assert table["log_gStatus"].tolist() == ["UNCALIBRATED"]


def test_paramedge_and_disagree_warn(predictor, one):
    judged = replace(predictor.judged, prior=(float(status(predictor, one)["log_g"].iloc[0]) - 0.05, 5.0))
    ready = make_ready(one, predictor.model.wave)
    found = predictor.answer(ready)
    bits = judged(ready, found.statistics, found.labels[:, 0], found.masked, np.ones(1, dtype=bool))
    assert flags.words(bits).tolist() == ["PARAMEDGE"]
    assert not flags.do_not_use(bits).any()
    none = np.zeros(2, dtype=np.int32)
    found_bits = flags.disagree(none, np.array([3.0, 3.0]), np.array([3.5, 3.2]), np.array([0.1, 0.1]))
    assert flags.words(found_bits).tolist() == ["DISAGREE", ""]
    assert not flags.do_not_use(found_bits).any()


@pytest.mark.parametrize("kind", others.KINDS)
def test_spectra_of_another_kind_are_flagged(predictor, bright, kind):
    table = status(predictor, others.of_kind(kind, bright, 11))
    assert table["flag"].mean() >= 0.99, table["log_gStatus"].value_counts()


def test_few_alarms_are_false(predictor, small_source):
    ids = first(2_000, CONFIRMATION)
    flagged = [
        flags.do_not_use(predictor.rows(block.ready, stars.identity_of("", block.ids))["logg1m_flag"].to_numpy())
        for block in stars.simulated(small_source, WAVE, ids, 8, 1.0)
    ]
    assert np.concatenate(flagged).mean() <= 0.01


def test_the_triplet_is_where_the_filter_says(predictor):
    assert predictor.domain.window is not None
    inside = WAVE[predictor.domain.window]
    assert inside[0] < CA_II_VACUUM[0] - 40
    assert inside[-1] > CA_II_VACUUM[-1] + 40
