"""Which values of a mask mark a bad pixel, and what happens to pixels without a value."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from logg1m.config.compute import Compute
from logg1m.files import InputError
from logg1m.sources.pfs.shard import Shard
from logg1m.spectra.generation import generate
from logg1m.spectra.masks import good_pixels
from logg1m.spectra.store import Store
from tests.sources.pfs.spoiling import ERROR, FLUX, MASK, edit, put, replace, source


def bad(path: Path) -> np.ndarray:
    """Bad pixels (16, 4096) of the good shard, whose mask is of bits."""
    with h5py.File(path) as file:
        return np.asarray(file[MASK][()] != 0)


def test_every_sense_gives_the_same_mask(shard: Path) -> None:
    truth = bad(shard)
    for values, means in (
        (truth * 4, "auto"), (truth * 4, "bad"), (truth.astype(int), "auto"), (~truth, "auto"), (~truth, "good"),
        ((~truth).astype(int), "auto"), ((~truth).astype("uint8"), "good"), (truth, "bad"), (truth * -1, "auto"),
    ):  # fmt: skip
        edit(shard, replace(MASK, values))
        opened = Shard(shard, mask_means=means)  # type: ignore[arg-type]
        np.testing.assert_array_equal(opened.read(0, 16).mask != 0, truth | edges(), err_msg=f"{values.dtype} {means}")
        assert any("1 = good" in notice for notice in opened.notices) == bool(values.mean() > 0.5)


def edges() -> np.ndarray:
    """Pixels of that shard whose error is NaN, (16, 4096)."""
    out = np.zeros((16, 4096), dtype=bool)
    out[::3, :3] = out[::3, -3:] = True
    return out


def test_a_mask_of_zeros_and_ones_that_could_be_either_is_refused_until_its_sense_is_said(shard: Path) -> None:
    some = (np.arange(4096) % 100 < 37).astype(int)
    edit(shard, put(MASK, slice(None), some))
    with pytest.raises(InputError, match=r"37% of the sampled pixels are 1: if 1 means good .* 63% .* to good or bad"):
        source(shard)
    found = source(shard, mask_means="good")
    np.testing.assert_array_equal(found.read(1, 2).arrays["mask"][0] != 0, some == 0)
    assert any("is the mask inverted?" in notice for notice in found.shards[0].notices)
    np.testing.assert_array_equal(source(shard, mask_means="bad").read(1, 2).arrays["mask"][0] != 0, some == 1)


def test_a_sense_that_leaves_nothing_or_contradicts_the_values_is_refused(shard: Path) -> None:
    with pytest.raises(InputError, match="is good, but the mask holds 4: such values are bits"):
        source(shard, mask_means="good")
    edit(shard, put(MASK, slice(None), 1))
    with pytest.raises(InputError, match=r"100% of the sampled pixels would be masked .* set .*mask_means.* to good"):
        source(shard, mask_means="bad")
    edit(shard, replace(MASK, np.zeros((16, 4096), dtype=bool)))
    with pytest.raises(
        InputError, match=r"100% of the sampled pixels would be masked \(zero = masked, it is boolean\)"
    ):
        source(shard)


@pytest.mark.parametrize(
    ("key", "value"), [(FLUX, np.nan), (FLUX, np.inf), (ERROR, np.nan), (ERROR, np.inf), (ERROR, 0.0), (ERROR, -1.0)]
)
def test_masked_pixels_need_no_value(shard: Path, key: str, value: float) -> None:
    before = source(shard).read(0, 16)
    edit(shard, put(MASK, (slice(None), slice(1996, 2006)), 0))
    edit(shard, put(MASK, (4, slice(1999, 2003)), 8))
    edit(shard, put(key, (4, slice(2000, 2002)), value))
    one = source(shard)
    after = one.read(0, 16)
    name = "flux" if key == FLUX else "error"
    left, right = before.arrays[name][4, 1998], before.arrays[name][4, 2003]  # the nearest that are not masked
    np.testing.assert_allclose(
        after.arrays[name][4, 2000:2002], left + (right - left) * np.array([2, 3]) / 5, rtol=1e-6
    )
    same = np.ones((16, 4096), dtype=bool)
    same[4, 2000:2002] = False
    np.testing.assert_array_equal(after.arrays[name][same], before.arrays[name][same])
    assert after.arrays["mask"][4, 1999:2003].all()
    assert one.summary()[f"{name}_pixels_filled"] == 2 + 36 * (name == "error")


def test_what_the_resampler_leaves_at_the_edges_is_filled_masked_and_counted(shard: Path) -> None:
    edit(shard, lambda file: file.pop("dataset/arrays/mask"))
    for key in (FLUX, ERROR):
        edit(shard, put(key, (slice(None), slice(0, 20)), np.nan))
        edit(shard, put(key, (slice(None), slice(4086, 4096)), np.nan))
    one = source(shard, on_median="refuse")
    arrays = one.read(0, 16).arrays
    for name in ("flux", "error"):
        assert (arrays[name][:, :20] == arrays[name][:, 20:21]).all()
        assert (arrays[name][:, 4086:] == arrays[name][:, 4085:4086]).all()
    np.testing.assert_array_equal(np.flatnonzero(arrays["mask"][3]), [*range(20), *range(4086, 4096)])
    summary = one.summary()
    assert summary["flux_pixels_filled"] == summary["error_pixels_filled"] == summary["pixels_masked"] == 16 * 30
    assert any("16 of 16 sampled spectra have pixels without" in notice for notice in one.shards[0].notices)


def test_a_row_with_hardly_any_pixel_left_is_refused(shard: Path) -> None:
    edit(shard, put(MASK, (6, slice(0, 4000)), 1))
    edit(shard, put(FLUX, (6, slice(0, 4000)), np.nan))
    with pytest.raises(
        InputError, match=r"only 9. of 4096 pixels of row 6 have a flux and an error, expected at least 10%"
    ):
        source(shard)


def test_the_store_has_one_sense_and_says_which_pixels_are_good(shard: Path, made: Path, tmp_path: Path) -> None:
    truth = bad(shard) | edges()
    edit(shard, replace(MASK, ~bad(shard)))
    for path, expected in ((shard, ~truth), (made / "val.h5", np.ones((10, 4096), dtype=bool))):
        manifest = tmp_path / path.stem / "manifest.json"
        generate(source(path), manifest, Compute(threads=1))
        np.testing.assert_array_equal(good_pixels(Store(manifest), 0), expected)


def test_a_store_without_a_mask_is_good_everywhere(small_store: Store) -> None:
    assert good_pixels(small_store, 2).all()
    assert good_pixels(small_store, 2).shape == (52, 4096)


@pytest.mark.parametrize("value", [1e9, -1e9, np.nan, np.inf])
def test_a_median_does_not_depend_on_what_lies_under_the_mask(shard: Path, value: float) -> None:
    edit(shard, put(MASK, (slice(None), slice(None)), 0))
    edit(shard, put(MASK, (3, slice(1000, 1800)), 2))
    before = source(shard, on_median="refuse").read(0, 16)
    edit(shard, put(FLUX, (3, slice(1000, 1800)), value))
    after = source(shard, on_median="refuse").read(0, 16)
    good = after.arrays["mask"] == 0
    np.testing.assert_array_equal(after.arrays["mask"] != 0, before.arrays["mask"] != 0)
    for name in ("flux", "error"):
        np.testing.assert_array_equal(after.arrays[name][good], before.arrays[name][good])
