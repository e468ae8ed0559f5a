"""LightGBM from chunks: best prefix, resuming from saved trees, binned data reused, each chunk read at most twice."""

from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from toys import ONE, linear_source, noisy, store_of

from logg1m.baselines import boosting
from logg1m.baselines.boosting import Boosted, NoisyRows
from logg1m.config.baselines import LightGBMConfig
from logg1m.config.protocol import Protocol
from logg1m.files import read_json, write_json
from logg1m.protocol.pools import Pools, Split
from logg1m.spectra.store import Store

SEED, N = 7, 3_000
TREES = 40
CONFIG = LightGBMConfig(n_estimators=TREES, learning_rate=0.3, num_leaves=15, feature_fraction=0.4, bin_sample=1_000)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return store_of(linear_source(N, seed=5, sigma=0.5), tmp_path_factory.mktemp("boosting"))


@pytest.fixture(scope="module")
def truth(store) -> np.ndarray:
    return store.labels()["logg"].to_numpy()


@pytest.fixture(scope="module")
def split() -> Split:
    return Pools.draw(SEED, N, Protocol(scales=(N,))).split(N)


@pytest.fixture(scope="module")
def boosted(store, split, truth, tmp_path_factory) -> Boosted:
    return train(store, split, truth, tmp_path_factory.mktemp("state"))


def train(store: Store, split: Split, truth: np.ndarray, state: Path, config: LightGBMConfig = CONFIG) -> Boosted:
    return boosting.train(store, split, truth, config, SEED, 1.0, ONE, state)


def rows_of(store: Store, ids: np.ndarray) -> NoisyRows:
    return NoisyRows(store, ids, SEED, 1.0, ONE)


class Killed(Exception):
    pass


def killed_after(monkeypatch, trees: int) -> None:
    """Save at every tree, and die in the callback after `trees` of them (counted in this process)."""
    save, done = boosting._save, []

    def save_and_die(*arguments) -> None:
        save(*arguments)
        done.append(1)
        if len(done) == trees:
            raise Killed

    monkeypatch.setattr(boosting, "_SAVE_EVERY", -1.0)
    monkeypatch.setattr(boosting, "_save", save_and_die)


def test_the_model_is_the_prefix_with_the_smallest_validation_error(boosted, store, split, truth):
    assert boosted.n_trees == len(boosted.history) == TREES
    assert boosted.history[boosted.best_iteration - 1] == min(boosted.history)
    rows = rows_of(store, split.validation)
    predicted = boosting.predict(boosted, rows)
    assert np.mean((predicted - truth[rows.ids]) ** 2) == pytest.approx(min(boosted.history), rel=1e-6)


def test_history_is_the_validation_error_of_every_prefix(boosted, store, split, truth):
    ids = np.sort(split.validation)
    block = noisy(store, ids, SEED)
    for trees in (1, 7, TREES):
        error = boosted.predict(block, trees) - truth[ids]
        assert np.mean(error**2) == pytest.approx(boosted.history[trees - 1], rel=1e-6)


def test_the_prefix_stops_before_the_last_tree_if_validation_says_so(store, split, truth, tmp_path):
    greedy = CONFIG.model_copy(update={"learning_rate": 1.0, "num_leaves": 63})
    boosted = train(store, split, truth, tmp_path, greedy)
    assert boosted.best_iteration < TREES
    report = boosting.report(boosted, greedy)
    assert report["best_iteration_is_last"] is False
    assert len(report["validation_mse"]) == TREES


def test_it_predicts_what_lightgbm_trained_on_the_same_matrix_predicts(boosted, store, split, truth):
    """Binning from chunks is binning from memory, up to the sample of rows that bins are cut from."""
    ids = np.sort(split.fit)
    options = boosting.parameters(CONFIG, SEED, ONE) | {"bin_construct_sample_cnt": 10_000, "feature_fraction": 1.0}
    peer = lgb.train(options, lgb.Dataset(noisy(store, ids, SEED).astype(np.float64), truth[ids]), TREES)
    rows = rows_of(store, split.test)
    theirs = peer.predict(noisy(store, rows.ids, SEED)) - truth[rows.ids]
    ours = boosting.predict(boosted, rows) - truth[rows.ids]
    assert np.mean(ours**2) == pytest.approx(np.mean(theirs**2), rel=0.1)


@pytest.mark.parametrize("deaths", [[13], [13, 5], [1, 1, 30]])
def test_a_killed_run_resumes_from_its_last_trees_and_ends_with_the_same_ones(
    boosted, store, split, truth, tmp_path, monkeypatch, deaths
):
    for trees in deaths:
        with monkeypatch.context() as patch:
            killed_after(patch, trees)
            with pytest.raises(Killed):
                train(store, split, truth, tmp_path)
    resumed = train(store, split, truth, tmp_path)
    assert [part.num_trees() for part in resumed.parts] == [*deaths, TREES - sum(deaths)]
    assert len(resumed.history) == TREES
    np.testing.assert_allclose(resumed.history, boosted.history, rtol=1e-9)
    assert resumed.best_iteration == boosted.best_iteration
    rows = rows_of(store, split.test)
    np.testing.assert_allclose(boosting.predict(resumed, rows), boosting.predict(boosted, rows), rtol=1e-9)


def test_a_run_that_is_asked_to_stop_saves_every_tree_and_resumes(boosted, store, split, truth, tmp_path, monkeypatch):
    asked = iter([False] * 6 + [True])
    with monkeypatch.context() as patch:
        patch.setattr(boosting.interruption, "requested", lambda: next(asked))
        patch.setattr(boosting.interruption, "listen", lambda: None)
        with pytest.raises(boosting.interruption.Interrupted, match="after 7 trees; the state is saved"):
            train(store, split, truth, tmp_path)
    resumed = train(store, split, truth, tmp_path)
    assert [part.num_trees() for part in resumed.parts] == [7, TREES - 7]
    np.testing.assert_allclose(resumed.history, boosted.history, rtol=1e-9)


def test_a_finished_run_that_is_asked_again_trains_nothing(boosted, store, split, truth, tmp_path, monkeypatch):
    train(store, split, truth, tmp_path)
    monkeypatch.setattr(lgb, "train", lambda *_, **__: pytest.fail("trained again"))
    again = train(store, split, truth, tmp_path)
    assert again.history == boosted.history


def test_a_finished_run_leaves_no_binned_data_behind(store, split, truth, tmp_path):
    train(store, split, truth, tmp_path)
    (folder,) = tmp_path.iterdir()
    left = folder / "binned.bin"  # as if the job had died between its last save and the removal
    left.write_bytes(b"binned")
    train(store, split, truth, tmp_path)
    assert not left.exists()


def test_saved_trees_that_do_not_fit_their_history_are_not_resumed_from(boosted, store, split, truth, tmp_path):
    train(store, split, truth, tmp_path)
    (path,) = tmp_path.glob("*/trees.json")
    stored = read_json(path)
    write_json(path, stored | {"mse": stored["mse"][:-3]})
    again = train(store, split, truth, tmp_path)
    assert len(again.parts) == 1
    assert again.history == boosted.history


def test_data_are_binned_once_and_read_back_from_their_file(store, split, truth, boosted, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        killed_after(patch, 3)
        with pytest.raises(Killed):
            train(store, split, truth, tmp_path)
    (binned,) = tmp_path.glob("*/binned.bin")
    assert binned.stat().st_size > 0
    monkeypatch.setattr(boosting, "_ChunkReader", lambda *_: pytest.fail("binned again"))
    resumed = train(store, split, truth, tmp_path)
    np.testing.assert_allclose(resumed.history, boosted.history, rtol=1e-9)


@pytest.mark.parametrize("cut", [0, 100])
def test_damaged_binned_data_are_binned_anew(store, split, truth, boosted, tmp_path, monkeypatch, cut):
    with monkeypatch.context() as patch:
        killed_after(patch, 3)
        with pytest.raises(Killed):
            train(store, split, truth, tmp_path)
    (binned,) = tmp_path.glob("*/binned.bin")
    content = bytearray(binned.read_bytes())
    content[len(content) // 2] ^= 1
    binned.write_bytes(content[: len(content) - cut])
    np.testing.assert_allclose(train(store, split, truth, tmp_path).history, boosted.history, rtol=1e-9)


@pytest.mark.parametrize("changed", ["settings", "rows"])
def test_other_settings_or_other_rows_start_afresh_and_the_old_state_goes(store, split, truth, tmp_path, changed):
    few = CONFIG.model_copy(update={"n_estimators": 2})
    train(store, split, truth, tmp_path, few)
    (before,) = tmp_path.iterdir()
    if changed == "settings":
        train(store, split, truth, tmp_path, few.model_copy(update={"max_bin": 31}))
    else:
        train(store, Split(split.fit[:-5], split.validation, split.test), truth, tmp_path, few)
    (after,) = tmp_path.iterdir()
    assert after != before
    assert [path.name for path in after.iterdir()] == ["trees.json"], (
        "the binned data are large and go with the last tree"
    )


def test_damaged_trees_are_not_resumed_from(boosted, store, split, truth, tmp_path):
    train(store, split, truth, tmp_path)
    (path,) = tmp_path.glob("*/trees.json")
    write_json(path, read_json(path) | {"models": ["no model"]})
    assert train(store, split, truth, tmp_path).history == boosted.history


def test_the_same_seed_grows_the_same_trees(boosted, store, split, truth, tmp_path):
    again = train(store, split, truth, tmp_path)
    assert again.history == boosted.history
    assert again.parts[0].dump_model()["tree_info"] == boosted.parts[0].dump_model()["tree_info"]


def test_trees_draw_different_features(boosted):
    used = [
        set(tree["split_feature"].dropna()) for _, tree in boosted.parts[0].trees_to_dataframe().groupby("tree_index")
    ]
    assert len({frozenset(s) for s in used}) > TREES / 2
    assert len(set.union(*used)) > 50  # of 64 pixels; a tree is offered 26


def test_to_be_binned_chunks_are_read_in_two_passes_and_no_more(store, split, truth, tmp_path, monkeypatch):
    seen, original = [], Store.read

    def read(self: Store, chunk: int, name: str) -> np.ndarray:
        if name == "flux":
            seen.append(chunk)
        return original(self, chunk, name)

    monkeypatch.setattr(Store, "read", read)
    data = boosting._binned(
        rows_of(store, split.fit), truth, boosting.parameters(CONFIG, SEED, ONE), tmp_path / "binned.bin"
    )
    assert sorted(seen[:3]) == sorted(seen[3:]) == [0, 1, 2]  # the bin sample, then every row
    assert data.num_data() == len(split.fit)
    np.testing.assert_allclose(data.get_label(), truth[np.sort(split.fit)], rtol=1e-6)


def test_rows_come_in_rising_order_whatever_the_order_of_the_ids(store, split):
    rows = rows_of(store, split.test)
    np.testing.assert_array_equal(rows.ids, np.sort(split.test))
    np.testing.assert_array_equal(np.concatenate(list(rows.blocks("rows"))), noisy(store, rows.ids, SEED))


def test_a_prediction_does_not_depend_on_the_other_ids_or_their_order(boosted, store, split):
    everyone = rows_of(store, split.test)
    whole = dict(zip(everyone.ids.tolist(), boosting.predict(boosted, everyone)))
    some = rows_of(store, split.test[::-3])
    np.testing.assert_array_equal(boosting.predict(boosted, some), [whole[k] for k in some.ids.tolist()])


def test_without_trees_nothing_is_predicted(boosted, store):
    assert not boosted.predict(noisy(store, np.arange(4), SEED), 0).any()


def test_several_draws_are_fresh_noise_of_the_same_stars_and_the_first_is_the_one_draw_protocol(store, split, truth):
    rows = NoisyRows(store, split.fit, SEED, 1.0, ONE, draws=3)
    blocks, ids = np.concatenate(list(rows.blocks("rows"))), rows.per_row()
    assert len(blocks) == len(ids) == 3 * len(split.fit)
    assert (np.bincount(ids)[split.fit] == 3).all()
    of_one = np.flatnonzero(ids == rows.ids[0])
    np.testing.assert_array_equal(blocks[of_one[0]], noisy(store, rows.ids[:1], SEED)[0])
    assert len(np.unique(blocks[of_one], axis=0)) == 3
    residual = blocks[of_one] - noisy(store, rows.ids[:1], SEED, level=0.0)
    assert np.corrcoef(residual)[0, 1:] == pytest.approx(0, abs=0.5)
    np.testing.assert_array_equal(rows_of(store, split.fit).per_row(), rows.ids)


def test_several_draws_do_better_than_one_on_spectra_with_much_noise(store, split, truth, tmp_path):
    several = boosting.train(store, split, truth, CONFIG, SEED, 4.0, ONE, tmp_path / "several", draws=6)
    one = boosting.train(store, split, truth, CONFIG, SEED, 4.0, ONE, tmp_path / "one")
    assert min(several.history) < min(one.history)
    folders = [next((tmp_path / name).glob("*")).name for name in ("several", "one")]
    assert folders[0] != folders[1], "a state is of so many draws"
