"""MVP-0.A: pools, scales and low noise, reproduced from the protocol file alone."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import ONE, TWO, linear_source, store_of

from logg1m.config.protocol import Protocol, scale_name
from logg1m.files import InputError, read_json, write_json
from logg1m.protocol import pools as protocol
from logg1m.protocol.pools import Pools

SEED = 20251222
ROADMAP = (10_000, 32_000, 100_000, 500_000, 1_000_000)
SMALL = Protocol(scales=(500, 1_000, 2_000))


@pytest.fixture(scope="module")
def full_pools():
    return Pools.draw(SEED, 1_000_000, Protocol(scales=ROADMAP))


def test_sizes_are_those_of_the_roadmap(full_pools):
    expected = {10_000: 8_000, 32_000: 25_600, 100_000: 80_000, 500_000: 400_000, 1_000_000: 800_000}
    for size, n_train in expected.items():
        split = full_pools.split(size)
        assert len(split.fit) + len(split.validation) == n_train
        assert len(split.test) == size - n_train
        assert len(split.validation) == min(n_train // 20, 10_000)


def test_two_spectra_at_least_are_for_validation():
    """One has no R², and no penalty could be chosen on it."""
    pools = Pools.draw(SEED, 10, Protocol(scales=(10,), validation_fraction=1e-9))
    fit, validation = pools.hold_out(pools.train[:5])
    assert (fit.tolist(), validation.tolist()) == (pools.train[:3].tolist(), pools.train[3:5].tolist())
    assert len(pools.split(10).validation) == 2


def test_pools_are_disjoint_and_hold_every_spectrum(full_pools):
    both = np.concatenate([full_pools.train, full_pools.test])
    assert len(full_pools.train) == 800_000
    np.testing.assert_array_equal(np.sort(both), np.arange(1_000_000))


def test_at_every_scale_training_meets_no_test_spectrum_of_any_scale(full_pools):
    in_common_test = np.zeros(1_000_000, dtype=bool)
    in_common_test[full_pools.common_test] = True
    for size in ROADMAP:
        split = full_pools.split(size)
        assert not in_common_test[split.fit].any()
        assert not in_common_test[split.validation].any()
        assert in_common_test[split.test].all()


def test_scales_are_nested_prefixes_and_validation_is_the_last_part_of_training(full_pools):
    for size in ROADMAP:
        split = full_pools.split(size)
        prefix = np.concatenate([split.fit, split.validation])
        np.testing.assert_array_equal(prefix, full_pools.train[: len(prefix)])
        np.testing.assert_array_equal(split.test, full_pools.test[: len(split.test)])


@given(
    n=st.integers(50, 3_000), fraction=st.floats(0.5, 0.95), share=st.floats(0.01, 0.4), seed=st.integers(0, 2**64 - 1)
)
def test_splits_are_disjoint_whatever_the_settings(n, fraction, share, seed):
    settings = Protocol(scales=(n // 2, n), train_fraction=fraction, validation_fraction=share)
    pools = Pools.draw(seed, n, settings)
    for size in settings.scales:
        split = pools.split(size)
        everyone = np.concatenate([split.fit, split.validation, split.test])
        assert len(everyone) == len(set(everyone.tolist())) == size
        assert len(split.validation) >= 1


@pytest.fixture(scope="module")
def role() -> np.ndarray:
    """A source with files of its own for validation (1) and test (2)."""
    role = np.zeros(2_100)
    role[1_700:1_800], role[1_800:] = 1, 2
    return role


def test_sets_that_a_source_brings_are_frozen_and_the_same_at_every_scale(role):
    pools = Pools.draw(SEED, 2_100, Protocol(scales=(500, 2_000)), role)
    for size in (500, 2_000):
        split = pools.split(size)
        assert len(split.fit) == 0.8 * size
        assert set(split.fit) <= set(range(1_700))
        assert set(split.validation) == set(range(1_700, 1_800))
        assert set(split.test) <= set(range(1_800, 2_100))
    np.testing.assert_array_equal(np.sort(pools.common_test), np.arange(1_800, 2_100))
    assert len(pools.split(500).test) == 100


def test_a_frozen_validation_set_alone_leaves_the_test_pool_to_the_permutation(role):
    pools = Pools.draw(SEED, 2_100, Protocol(scales=(500,)), np.where(role == 1, 1, 0))
    assert set(pools.split(500).validation) == set(range(1_700, 1_800))
    assert (len(pools.train), len(pools.test)) == (1_600, 400)
    assert not set(pools.test) & set(range(1_700, 1_800))


def test_roles_that_are_all_training_change_nothing():
    plain, zeros = (Pools.draw(SEED, 2_100, SMALL, role) for role in (None, np.zeros(2_100)))
    np.testing.assert_array_equal(plain.train, zeros.train)
    np.testing.assert_array_equal(plain.test, zeros.test)


def test_frozen_sets_stand_in_the_protocol_and_are_reproduced_from_it(role):
    snr = pd.DataFrame({"id": np.arange(2_100), "snr": np.random.default_rng(1).gamma(9, 0.35, 2_100), "role": role})
    written, members = protocol.define(snr, SEED, Protocol(scales=(500, 2_000)))
    assert written["pools"]["frozen_sets"] == ["validation", "test"]
    assert (members["pool"].to_numpy() == np.array(["train", "validation", "test"])[role.astype(int)]).all()
    assert protocol.reproduces(written, snr, members)


def test_a_scale_that_does_not_fit_is_refused_with_both_numbers():
    pools = Pools.draw(SEED, 2_100, Protocol(scales=(500, 5_000)))
    with pytest.raises(InputError, match=r"scale 5k needs 4000 training and 1000 test spectra.*1680 and 420"):
        pools.split(5_000)
    with pytest.raises(InputError, match="scale 5k"):
        protocol.define(pd.DataFrame({"id": np.arange(2_100), "snr": 1.0}), SEED, Protocol(scales=(500, 5_000)))


@pytest.mark.parametrize(
    ("size", "name"), [(500, "500"), (2_000, "2k"), (32_000, "32k"), (1_000_000, "1M"), (1_500, "1500")]
)
def test_names_of_scales(size, name):
    assert scale_name(size) == name


def test_signal_to_noise_definitions_agree_with_plain_numpy():
    rng = np.random.default_rng(1)
    flux = rng.uniform(0.1, 1, (50, 4096)).astype(np.float32)
    error = rng.uniform(0.05, 2, (50, 4096)).astype(np.float32)
    noisy = (flux + error * rng.standard_normal(flux.shape)).astype(np.float32)
    spectra, pixels = protocol.snr_of_chunk(flux.copy(), error.copy(), noisy.copy())
    f, e = flux.astype(np.float64), error.astype(np.float64)
    expected = {
        "snr": np.sqrt((f**2).sum(axis=1) / (e**2).sum(axis=1)),
        "snr_observer": np.sqrt((noisy.astype(np.float64) ** 2).sum(axis=1) / (e**2).sum(axis=1)),
        "snr_median": np.median(f / e, axis=1),
        "snr_p95": np.percentile(f / e, 95, axis=1),
    }
    assert set(spectra) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(spectra[name], values, rtol=2e-6, err_msg=name)
    sums = {"flux": f.sum(axis=0), "flux2": (f**2).sum(axis=0), "error": e.sum(axis=0), "error2": (e**2).sum(axis=0)}
    for name, values in sums.items():
        np.testing.assert_allclose(pixels[name], values, rtol=1e-12, err_msg=name)


@pytest.fixture(scope="module")
def surveyed(small_store):
    return protocol.survey(small_store, SEED, SMALL, ONE)


def everything(store, name):
    return np.concatenate([store.read(chunk, name) for chunk in range(store.n_chunks)])


def test_survey_is_the_statistics_of_the_whole_store(small_store, surveyed):
    snr, pixels = surveyed
    flux, error = (
        everything(small_store, "flux").astype(np.float64),
        everything(small_store, "error").astype(np.float64),
    )
    np.testing.assert_array_equal(snr["id"], np.arange(2_100))
    np.testing.assert_allclose(snr["snr"], np.linalg.norm(flux, axis=1) / np.linalg.norm(error, axis=1), rtol=2e-6)
    np.testing.assert_allclose(snr["snr_median"], np.median(flux / error, axis=1), rtol=2e-6)
    np.testing.assert_allclose(pixels["flux_mean"], flux.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(pixels["flux_std"], flux.std(axis=0), rtol=1e-6)
    np.testing.assert_allclose(pixels["error_mean"], error.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(pixels["error_rms"], np.sqrt((error**2).mean(axis=0)), rtol=1e-9)


def test_survey_does_not_depend_on_threads(small_store, surveyed):
    for one, two in zip(surveyed, protocol.survey(small_store, SEED, SMALL, TWO)):
        pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_survey_reads_every_chunk_of_an_array_once(small_store, monkeypatch):
    seen, original = [], type(small_store).read
    monkeypatch.setattr(
        type(small_store), "read", lambda self, chunk, name: seen.append((chunk, name)) or original(self, chunk, name)
    )
    protocol.survey(small_store, SEED, SMALL, ONE)
    assert sorted(seen) == [(chunk, name) for chunk in range(3) for name in ("error", "flux")]


def test_thresholds_are_quantiles_of_the_whole_store_and_do_not_depend_on_scales(surveyed):
    snr, _ = surveyed
    whole, members = protocol.define(snr, SEED, SMALL)
    assert whole["low_noise"]["threshold"] == np.quantile(snr["snr"], 0.8)
    assert whole["low_noise"]["n"] == members["low_noise"].sum() == 420
    thresholds = whole["snr_definitions"]["snr"]["thresholds"]
    assert thresholds == {f"top_{q:g}": pytest.approx(np.quantile(snr["snr"], 1 - q)) for q in (0.1, 0.2, 0.5)}
    other, _ = protocol.define(snr, SEED, Protocol(scales=(500,)))
    assert other["low_noise"] == whole["low_noise"]
    for name in ("snr", "snr_observer", "snr_median", "snr_p95"):
        assert whole["snr_definitions"][name]["percentiles"]["p95"] == pytest.approx(np.percentile(snr[name], 95))
    assert "simulator_snr" not in whole["snr_definitions"]


def test_a_simulators_own_column_gets_its_thresholds_too(surveyed):
    snr, _ = surveyed
    whole, _ = protocol.define(snr.assign(simulator_snr=snr["snr_p95"]), SEED, SMALL)
    assert whole["snr_definitions"]["simulator_snr"]["thresholds"] == whole["snr_definitions"]["snr_p95"]["thresholds"]


def python_philox(counter: tuple[int, int, int, int], seed: int) -> tuple[int, int]:
    """First two words of Philox4x32-10 (Salmon et al. 2011), in Python's integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = seed % 2**32, seed // 2**32
    for _ in range(10):
        p0, p1 = c0 * 0xD2511F53, c2 * 0xCD9E8D57
        c0, c1, c2, c3 = (p1 // 2**32) ^ c1 ^ k0, p1 % 2**32, (p0 // 2**32) ^ c3 ^ k1, p0 % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return c0, c1


def test_the_protocol_file_alone_reproduces_the_selection(small_store, surveyed, tmp_path):
    """What a reader does who has protocol.json and the spectra, and none of this package."""
    written, members = protocol.define(surveyed[0], SEED, SMALL)
    write_json(tmp_path / "protocol.json", written)
    file = json.loads((tmp_path / "protocol.json").read_text())

    assert "counter (0, id, 0, 2)" in file["pools"]["rule"]
    words = [python_philox((0, k, 0, 2), file["seed"]) for k in range(file["n_spectra"])]
    order = sorted(range(file["n_spectra"]), key=lambda k: (words[k][0] << 30) | (words[k][1] >> 2))
    train, test = order[: file["pools"]["n_train"]], order[file["pools"]["n_train"] :]
    assert len(test) == file["pools"]["n_test"]
    flux, error = (
        everything(small_store, "flux").astype(np.float64),
        everything(small_store, "error").astype(np.float64),
    )
    low = np.sqrt((flux**2).sum(axis=1) / (error**2).sum(axis=1)) >= file["low_noise"]["threshold"]

    np.testing.assert_array_equal(members["low_noise"], low)
    assert file["low_noise"]["n"] == low.sum()
    assert file["low_noise"]["n_test"] == low[test].sum()
    np.testing.assert_array_equal(members.loc[train, "rank"], np.arange(len(train)))
    assert (members.loc[train, "pool"] == "train").all()
    np.testing.assert_array_equal(members.loc[test, "rank"], np.arange(len(test)))
    assert (members.loc[test, "pool"] == "test").all()
    pools = Pools.draw(SEED, 2_100, SMALL)
    for size in SMALL.scales:
        scale, split = file["scales"][scale_name(size)], pools.split(size)
        assert split.fit.tolist() == train[: scale["n_fit"]]
        assert split.validation.tolist() == train[scale["n_train"] - scale["n_validation"] : scale["n_train"]]
        assert split.test.tolist() == test[: scale["n_test"]]
        assert scale["n_test_low_noise"] == low[split.test].sum()


def test_a_selection_that_the_file_does_not_reproduce_is_noticed(surveyed):
    snr, _ = surveyed
    written, members = protocol.define(snr, SEED, SMALL)
    assert protocol.reproduces(written, snr, members)
    assert not protocol.reproduces(written | {"seed": SEED + 1}, snr, members)
    swapped = members.assign(rank=members["rank"].to_numpy()[::-1])
    assert not protocol.reproduces(written, snr, swapped)
    higher = written["low_noise"] | {"threshold": written["low_noise"]["threshold"] * 1.01}
    assert not protocol.reproduces(written | {"low_noise": higher}, snr, members)


def test_noisy_rows_are_flux_plus_scaled_noise_of_their_own_id(tmp_path):
    store = store_of(linear_source(1_100), tmp_path)
    flux, error = everything(store, "flux"), everything(store, "error")
    ids = np.array([1_050, 3, 700])
    plain = protocol.noisy_rows(flux[ids], error[ids], ids, SEED, 0.0, draw=0)
    np.testing.assert_array_equal(plain, flux[ids])
    one, two = (protocol.noisy_rows(flux[ids], error[ids], ids, SEED, level, draw=0) for level in (1.0, 2.0))
    np.testing.assert_allclose(two - flux[ids], 2 * (one - flux[ids]), atol=1e-6)
    alone = protocol.noisy_rows(flux[3:4], error[3:4], np.array([3]), SEED, 1.0, draw=0)
    np.testing.assert_array_equal(one[1:2], alone)
    assert not np.array_equal(one, protocol.noisy_rows(flux[ids], error[ids], ids, SEED, 1.0, draw=1))


def test_protocol_of_the_same_seed_is_the_same_file_and_another_seed_draws_other_pools(surveyed, tmp_path):
    snr, _ = surveyed
    for name, seed in (("a", SEED), ("b", SEED), ("c", SEED + 1)):
        write_json(tmp_path / name, protocol.define(snr, seed, SMALL)[0])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    a, c = read_json(tmp_path / "a"), read_json(tmp_path / "c")
    assert a["pools"]["first_train_ids"] != c["pools"]["first_train_ids"]
    assert a["low_noise"]["threshold"] == c["low_noise"]["threshold"]


def test_a_source_that_cannot_simulate_sets_the_end_of_its_test_pool_aside_for_confirmation(role):
    for own in (None, role):
        whole, kept = (Pools.draw(SEED, 2_100, Protocol(scales=(500, 2_000)), own, fresh) for fresh in (True, False))
        assert not len(whole.confirmation)
        assert len(kept.confirmation) == round(0.1 * len(whole.test))
        np.testing.assert_array_equal(np.concatenate([kept.test, kept.confirmation]), whole.test)
        np.testing.assert_array_equal(kept.train, whole.train)
        for size in (500, 2_000):
            assert not set(kept.split(size).test) & set(kept.confirmation)
            assert not set(kept.split(size).validation) & set(kept.confirmation)


def test_what_is_set_aside_stands_in_the_protocol_and_is_reproduced_from_it():
    snr = pd.DataFrame({"id": np.arange(2_100), "snr": np.random.default_rng(1).gamma(9, 0.35, 2_100)})
    written, members = protocol.define(snr, SEED, SMALL, "pfs_hdf5")
    assert written["pools"]["confirmation"]["n"] == (members["pool"] == "confirmation").sum() == 42
    assert protocol.reproduces(written, snr, members)
    assert not protocol.reproduces(written, snr, members.assign(pool=members["pool"].replace("confirmation", "test")))
    simulated, members = protocol.define(snr, SEED, SMALL, "embedded")
    assert simulated["pools"]["confirmation"]["n"] is None
    assert set(members["pool"]) == {"train", "test"}
