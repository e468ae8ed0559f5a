"""Survey conditions: draws and their laws, the factor on the flux, bad pixels, and columns against finite differences."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from observe.test_simulate import drawn as stars
from scipy import stats

from logg1m.config import load, validate
from logg1m.config.conditions import Nuisances
from logg1m.config.data import Data, Observation
from logg1m.files import InputError
from logg1m.observe import WAVE, Observer, survey
from logg1m.observe.survey import LIGHT_KM_S, Columns, SurveyConditions, bad_pixels
from logg1m.sources.embedded import EmbeddedSource

IDS = np.arange(20_000)
EVERYTHING = Nuisances(amplitude="free", calibration=(0.03, 0.02, 0.01), ebv=0.04, velocity_km_s=3.0)
OBSERVATION = Observation(sky_level=(0.8, 1.2), bad_pixels=0.015, nuisances=EVERYTHING)


def source(grid, observation: Observation = OBSERVATION, n: int = 300, seed: int = 20251222) -> EmbeddedSource:
    return EmbeddedSource(Data(n_spectra=n, observation=observation), seed, grid=grid)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


# --- ideal conditions are what they were


def test_ideal_conditions_are_the_default_and_their_spectra_have_not_changed_by_a_bit(grid):
    ideal = load("config/conditions/ideal.yaml").data
    assert ideal == Data()
    one = source(grid, ideal.observation)
    assert sha256(json.dumps(one.describe()).encode()) == "1c46493b43ef6191"
    block = one.read(0, 300)
    assert list(block.arrays) == ["flux", "error"]
    expected = {
        "teff": "2935a3f918405d2a", "logg": "4eaefef1c285993c", "m_h": "1d0cd8371029016d", "a_m": "0f802b6b772978ff",
        "c_m": "cef2ae2f8a4982cc", "mag": "6410ee9342dec55b", "redshift": "a0ee989ed2a0a2e3",
        "seeing": "882bbca295b62f31", "zenith_angle": "55e60da4402446c2", "field_angle": "691ee0d653c2894f",
    }  # fmt: skip
    assert {name: sha256(block.labels[name].tobytes()) for name in expected} == expected
    assert set(block.labels) == {*expected, "flux_scale"}
    # to the last bit on one machine, but processors add in different orders
    probe = np.cos(np.arange(4096))
    found = {name: [v.mean(dtype=float), (v * probe).mean()] for name, v in block.arrays.items()}
    np.testing.assert_allclose(found["flux"], [0.4980941762, 7.521661e-05], rtol=1e-6)
    np.testing.assert_allclose(found["error"], [0.1204749203, -1.1446074e-03], rtol=1e-6)


@pytest.mark.parametrize("name", ["ideal", "survey", "reference"])
def test_overlays_are_valid_and_say_what_they_are(name):
    observation = load(f"config/conditions/{name}.yaml").data.observation
    assert observation.surveyed == observation.masks == (name != "ideal")
    assert (observation.noise_seeing == "sampled") == (name == "survey")
    assert (observation.sky_level == (1, 1)) == (name != "survey")
    assert observation.described().keys() >= Observation().described().keys()


# --- draws


def test_draws_follow_their_laws_and_are_independent(grid):
    one, ideal = source(grid), source(grid, Observation())
    labels, conditions = one.draw(IDS)
    plain_labels, plain = ideal.draw(IDS)
    np.testing.assert_array_equal(labels, plain_labels)
    np.testing.assert_array_equal(conditions.mag, plain.mag)
    assert isinstance(conditions, SurveyConditions)
    normal = [
        conditions.redshift * LIGHT_KM_S / 3,
        conditions.ebv / 0.04,
        *(conditions.calibration / (0.03, 0.02, 0.01)).T,
    ]
    for values in normal:
        assert stats.kstest(values, "norm").pvalue > 1e-3
    sky = (conditions.sky_level - 0.8) / 0.4
    assert stats.kstest(sky, "uniform").pvalue > 1e-3
    everything = np.stack([*normal, sky, *labels.T, conditions.mag, conditions.zenith_angle])
    assert np.abs(np.corrcoef(everything) - np.eye(len(everything))).max() < 4.5 / np.sqrt(len(IDS))


def test_a_change_of_one_unknown_leaves_the_draws_of_the_others(grid):
    one = source(grid).draw(IDS[:50])[1]
    fewer = replace_nuisances(ebv=0.0, calibration=(0.03,))
    other = source(grid, fewer).draw(IDS[:50])[1]
    np.testing.assert_array_equal(one.redshift, other.redshift)
    np.testing.assert_array_equal(one.calibration[:, :1], other.calibration)
    np.testing.assert_array_equal(one.sky_level, other.sky_level)
    assert not other.ebv.any()


def replace_nuisances(**changes: object) -> Observation:
    return OBSERVATION.model_copy(update={"nuisances": EVERYTHING.model_copy(update=changes)})


def test_spectra_and_masks_do_not_depend_on_blocks(grid):
    one = source(grid, n=200)
    whole = one.read(0, 200)
    for start, stop in ((0, 1), (17, 140), (130, 200)):
        part = one.read(start, stop)
        for name, values in part.arrays.items():
            np.testing.assert_array_equal(values, whole.arrays[name][start:stop], err_msg=name)
        for name, values in part.labels.items():
            np.testing.assert_array_equal(values, whole.labels[name][start:stop], err_msg=name)
    assert whole.labels.keys() == one.labels.keys()


def test_conditions_come_back_from_the_labels_of_a_store(grid):
    for observation in (OBSERVATION, Observation()):
        one = source(grid, observation)
        labels, block = one.draw(np.arange(40))[1], one.read(0, 40)
        back = survey.conditions_of(block.labels)
        assert type(back) is type(labels)
        for name, values in vars(labels).items():
            np.testing.assert_array_equal(getattr(back, name), values)


# --- what happens to the flux


def test_the_flux_is_multiplied_by_the_curve_and_the_reddening(grid):
    observer = Observer(grid, OBSERVATION, dtype=torch.float64)
    labels, plain = stars(grid, 3, seed=1)
    none = np.zeros(3)
    curves, ebv = np.array([[0.03, -0.02, 0.05], [0, 0, 0], [-0.1, 0.01, 0]]), np.array([0.1, -0.05, 0.0])
    disturbed = SurveyConditions(**vars(plain), sky_level=none + 1, ebv=ebv, calibration=curves)
    before, after = observer.observe(labels, plain), observer.observe(labels, disturbed)
    x = np.linspace(-1, 1, len(WAVE))
    polynomials = np.stack([x, (3 * x**2 - 1) / 2, (5 * x**3 - 3 * x) / 2])
    from logg1m.observe.pfs import extinction_curve

    factor = (1 + curves @ polynomials) * 10 ** (-0.4 * 3.1 * ebv[:, None] * extinction_curve(WAVE))
    ratio = (after.flux / before.flux).numpy() / factor
    np.testing.assert_allclose(ratio / ratio[:, :1], 1, atol=1e-9)  # but for the median
    np.testing.assert_allclose(after.flux.median(dim=1).values, 0.5, rtol=1e-3)


def test_a_brighter_sky_makes_larger_errors_and_touches_no_flux(grid):
    observer = Observer(grid, OBSERVATION, dtype=torch.float64)
    labels, plain = stars(grid, 4, seed=2)
    none = np.zeros(4)
    given = {"ebv": none, "calibration": np.zeros((4, 3))}
    dark, bright = (
        observer.observe(labels, SurveyConditions(**vars(plain), sky_level=none + level, **given)) for level in (1, 1.2)
    )
    assert torch.equal(dark.flux, bright.flux)
    assert torch.equal(dark.error, observer.observe(labels, plain).error)
    ratio = (bright.error / dark.error).numpy()
    assert (ratio > 1).all()
    assert ratio.max() < 1.2
    sky_lines = dark.error.mean(dim=0).numpy().argsort()[-50:]  # 1 % of the sky is left there, which grows with it
    assert ratio[:, sky_lines].mean() == pytest.approx(1.2, abs=0.02)


@pytest.mark.parametrize("v", [0.0, 2.0, -7.0, 14.0, 30.0])
def test_small_velocities_move_spectra_as_large_ones_do(grid, v):
    labels, plain = stars(grid, 3, seed=3, redshift=v / LIGHT_KM_S)
    general = Observer(grid, Observation(rv_km_s=(-50, 50)), dtype=torch.float64).observe(labels, plain)
    quick = Observer(grid, OBSERVATION, dtype=torch.float64)
    found = quick.observe(labels, plain)
    np.testing.assert_allclose(found.flux, general.flux, rtol=5e-4)
    mixed = replace(plain, redshift=np.array([v, 60.0, v]) / LIGHT_KM_S)  # a fast star beside it changes no bit
    assert torch.equal(quick.observe(labels, mixed).flux[0], found.flux[0])


# --- bad pixels


@pytest.mark.slow
def test_bad_pixels_have_the_share_asked_for_and_come_singly_and_in_runs():
    for share in (0.015, 0.2):
        mask = bad_pixels(Observation(bad_pixels=share), 1, np.arange(4_000))
        of_stars = mask.mean(axis=1)
        assert mask.mean() == pytest.approx(share, abs=4 * of_stars.std() / np.sqrt(len(mask)))
        np.testing.assert_allclose(mask.mean(axis=0)[[0, -1]], share, atol=4 * np.sqrt(share / len(mask)))
    mask = bad_pixels(Observation(bad_pixels=0.002), 1, np.arange(6_000))
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(int), axis=1)
    length = np.nonzero(edges == -1)[1] - np.nonzero(edges == 1)[1]
    assert ((length == 1).sum() / length.sum()) == pytest.approx(0.5, abs=0.02)
    runs = np.bincount(length, minlength=41)[3:21]
    assert runs.min() > 0.7 * runs.mean()
    assert (length > 20).mean() < 0.01  # two that touch


def test_the_oxygen_band_is_masked_where_asked():
    mask = bad_pixels(Observation(mask_o2_a=True), 1, np.arange(2))
    inside = (WAVE > 7592) & (WAVE < 7700)
    np.testing.assert_array_equal(mask, np.tile(inside, (2, 1)))


# --- columns


def test_columns_are_the_finite_differences_of_the_simulator(grid):
    observer, nothing = Observer(grid, OBSERVATION, dtype=torch.float64), np.zeros(3)
    labels, plain = stars(grid, 3, seed=4)

    def physical(calibration: np.ndarray, ebv: float, v: float) -> np.ndarray:
        given = SurveyConditions(
            **vars(replace(plain, redshift=nothing + v / LIGHT_KM_S)),
            sky_level=nothing + 1,
            ebv=nothing + ebv,
            calibration=np.tile(calibration, (3, 1)),
        )
        return observer.observe(labels, given).flux.numpy()

    columns = Columns(EVERYTHING, WAVE)
    assert columns.names == ("amplitude", "calibration_1", "calibration_2", "calibration_3", "ebv", "velocity_km_s")
    np.testing.assert_allclose(columns.precision, [0, 0.03**-2, 0.02**-2, 0.01**-2, 0.04**-2, 1 / 9])
    flux = physical(np.zeros(3), 0, 0)
    made = columns(flux)
    steps = [*(np.eye(3) * 1e-4), 1e-4, 0.05]
    for k, step in enumerate(steps):
        arguments = {"calibration": np.zeros(3), "ebv": 0.0, "v": 0.0}
        name, size = list(arguments)[max(k - 2, 0)], 0.05 if k == 4 else 1e-4
        above, below = (physical(**(arguments | {name: sign * step})) for sign in (1, -1))
        slope, column = (above - below) / (2 * size), made[:, k + 1]
        # Velocity: five points of 0.43 Å see what the line spread left of the narrowest lines to 5 %.
        # Observed flux has a median of 0.5: what is left is a multiple of the amplitude's column.
        rest = slope - column
        rest = rest - (rest * flux).sum(axis=1, keepdims=True) / (flux**2).sum(axis=1, keepdims=True) * flux
        size_of = np.linalg.norm(column, axis=1)
        assert (np.linalg.norm(rest, axis=1) < (0.06 if k == 4 else 1e-4) * size_of).all(), columns.names[k + 1]


def test_only_what_is_unknown_has_a_column():
    assert len(Columns(Nuisances(), WAVE)) == 0
    assert Columns(Nuisances(), WAVE)(np.ones((2, 4096))).shape == (2, 0, 4096)
    assert Columns(Nuisances(velocity_km_s=1), WAVE).names == ("velocity_km_s",)
    some = Columns(Nuisances(amplitude="free", calibration=(0, 0.01)), WAVE)
    assert some.names == ("amplitude", "calibration_2")


# --- configuration


@pytest.mark.parametrize(
    ("nuisances", "message"),
    [
        ({"ebv": 0.02}, "set amplitude: free"),
        ({"amplitude": "free", "calibration": [0.15, 0.15, 0.15]}, "add up to 0.26 at the edges"),
        ({"amplitude": "free", "calibration": [0.3]}, "less than or equal to 0.2"),
        ({"velocity_km_s": -1}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_is_refused(nuisances, message):
    with pytest.raises(InputError, match=message):
        validate({"data": {"observation": {"nuisances": nuisances}}})


def test_imported_spectra_are_not_given_conditions():
    shards = {"train": "train.h5", "test": "test.h5"}
    with pytest.raises(InputError, match="come as they are"):
        validate({"data": {"source": "pfs_hdf5", "pfs_hdf5": shards, "observation": {"bad_pixels": 0.01}}})
