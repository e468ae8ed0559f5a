"""A folder of BOSZ files → grid: checked against spectra whose smoothed form is known in closed form."""

import bz2
import gzip
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from logg1m import sources
from logg1m.config.compute import Compute
from logg1m.config.data import Data, Priors
from logg1m.config.files_sources import BoszConfig
from logg1m.files import InputError
from logg1m.observe import LABELS
from logg1m.observe.pfs import GRID_SIGMA
from logg1m.sources.bosz import source as bosz
from logg1m.sources.bosz.fetch import file_name
from logg1m.sources.bosz.files import find_models
from logg1m.sources.bosz.source import BoszSource, Smoother, load_or_make

NODES = {
    "teff": (4000.0, 4250.0, 4500.0),
    "logg": (3.0, 3.5),
    "m_h": (-0.25, 0.0),
    "a_m": (0.0, 0.25),
    "c_m": (-0.25, 0.0),
}
PRIORS = {
    "teff": [4010, 4490], "logg": [3.0, 3.4], "m_h": [-0.2, 0], "a_m": [0, 0.2], "c_m": [-0.2, 0],
}  # fmt: skip
LINES = (7700.0, 8190.3, 8500.35, 8544.44, 8664.52)
Labels = tuple[float, float, float, float, float]


def spectrum(wave: np.ndarray, labels: Labels, sigma: np.ndarray | float) -> np.ndarray:
    """H at a resolution of `sigma` Å: a sloping continuum with lines whose areas depend on every label."""
    teff, logg, m_h, a_m, c_m = labels
    area = 0.25 * np.exp(0.3 * m_h + 0.2 * a_m + 0.1 * c_m - (teff - 4250) / 2000 - 0.1 * (logg - 3))
    dip = sum(area * np.exp(-0.5 * ((wave - line) / sigma) ** 2) for line in LINES) / np.asarray(sigma)
    return 1e6 * (teff / 4250) ** 4 * (1 + (wave - 8000) / 9000) * (1 - dip * 0.2)


def log_wave(resolution: float) -> np.ndarray:
    """Two samples per resolution element, as published; only the stretch that matters."""
    return np.exp(np.arange(np.log(7070), np.log(8890), 1 / (2 * resolution)))


def write_2024(root: Path, labels: Labels, resolution: str = "r20000", shift: float = 0.0) -> Path:
    path = root / file_name(labels, resolution)
    path.parent.mkdir(parents=True, exist_ok=True)
    power = 100_000.0 if resolution == "rorig" else float(resolution[1:])
    wave = np.arange(7070, 8890, 0.1) if resolution == "rorig" else log_wave(power)
    flux = spectrum(wave + shift, labels, 0.2 if resolution == "rorig" else wave / (2.3548 * power))
    columns = [flux, 2 * flux] if resolution != "rorig" else [wave, flux, 2 * flux]
    text = "\n".join(" ".join(f"{value:.9e}" for value in row) for row in zip(*columns))
    path.write_bytes(gzip.compress(text.encode(), 1))
    return path


def write_wavelengths(root: Path, resolution: str = "r20000") -> Path:
    path = root / "wavelength_grids" / f"bosz2024_wave_{resolution}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(f"{value:.7e}" for value in log_wave(float(resolution[1:]))))
    return path


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published tree with all 48 nodes at R = 20,000; read only."""
    root = tmp_path_factory.mktemp("bosz")
    for labels in itertools.product(*NODES.values()):
        write_2024(root, labels)
    write_wavelengths(root)
    return root


@pytest.fixture
def few(root: Path, tmp_path: Path) -> Path:
    """A private tree of links to the same files, from which some can be taken."""
    for path in root.rglob("*.txt*"):
        link = tmp_path / "tree" / path.relative_to(root)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.hardlink_to(path)
    return tmp_path / "tree"


def config(folder: Path, **keys: Any) -> BoszConfig:
    return BoszConfig.model_validate({"folder": str(folder), "n_components": 20, "grid_file": None} | keys)


def test_the_grid_reproduces_the_smoothed_spectra(root: Path) -> None:
    grid, provenance = load_or_make(config(root), Priors.model_validate(PRIORS))
    assert {name: tuple(values) for name, values in grid.axes.items()} == NODES
    assert provenance["release"] == "BOSZ 2024"
    assert provenance["files"] == 48
    assert provenance["filled_nodes"] == []
    assert provenance["reconstruction_error_max"] < 1e-4
    for index in ((0, 0, 0, 0, 0), (1, 1, 0, 1, 1), (2, 0, 1, 1, 0)):
        labels = tuple(values[k] for k, values in zip(index, NODES.values()))
        ln_flux = grid.mean + grid.coefficients[index] @ grid.components
        truth = 4 * np.pi * spectrum(grid.wave, labels, GRID_SIGMA)  # type: ignore[arg-type]
        np.testing.assert_allclose(np.exp(ln_flux), truth, rtol=2e-3)


def test_the_source_observes_like_the_embedded_one(root: Path, tmp_path: Path) -> None:
    section = {"folder": str(root), "n_components": 20, "grid_file": str(tmp_path / "grid.npz")}
    data = Data.model_validate({"source": "bosz", "n_spectra": 64, "bosz": section, "priors": PRIORS})
    source = sources.build(data, 1, Compute(device="cpu"))
    assert isinstance(source, BoszSource)
    block = source.read(0, 64)
    np.testing.assert_allclose(np.median(block.arrays["flux"], axis=1), 0.5, rtol=1e-5)
    described = source.describe()
    assert described["kind"] == "bosz"
    assert described["grid"]["resolution"] == "r20000"
    assert source.derivatives(np.arange(3)).d_flux.shape == (3, 5, 4096)


def test_a_kept_grid_is_used_until_the_files_change(few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = config(few, grid_file=str(tmp_path / "kept" / "grid.npz"))
    priors = Priors.model_validate(PRIORS)
    first, provenance = load_or_make(kept, priors)
    made: list[int] = []
    real = bosz.make_grid

    def count(*arguments: Any) -> Any:
        made.append(1)
        return real(*arguments)

    monkeypatch.setattr(bosz, "make_grid", count)
    second, again = load_or_make(kept, priors)
    assert (made, again) == ([], provenance)
    np.testing.assert_array_equal(first.coefficients, second.coefficients)
    changed = few / file_name((4000.0, 3.0, -0.25, 0.0, 0.0))
    content = gzip.decompress(changed.read_bytes())
    changed.unlink()
    changed.write_bytes(gzip.compress(content, 9))
    load_or_make(kept, priors)
    assert made == [1]


def test_missing_nodes_are_named_and_filled_only_if_asked(few: Path) -> None:
    (few / file_name((4250.0, 3.5, 0.0, 0.25, -0.25))).unlink()
    priors = Priors.model_validate(PRIORS)
    with pytest.raises(InputError, match=r"1 of 48 nodes have no file, the first is .*'teff': 4250.*fill_missing"):
        load_or_make(config(few), priors)
    grid, provenance = load_or_make(config(few, fill_missing=True), priors)
    assert provenance["filled_nodes"] == [{"teff": 4250.0, "logg": 3.5, "m_h": 0.0, "a_m": 0.25, "c_m": -0.25}]
    filled = grid.coefficients[1, 1, 1, 1, 0]
    np.testing.assert_allclose(filled, grid.coefficients[[0, 2], 1, 1, 1, 0].mean(axis=0))
    (few / file_name((4000.0, 3.5, 0.0, 0.25, -0.25))).unlink()  # now there is nothing below on any axis
    with pytest.raises(InputError, match="2 missing BOSZ nodes have no neighbours on both sides"):
        load_or_make(config(few, fill_missing=True), priors)


def test_too_few_components_are_refused(root: Path) -> None:
    with pytest.raises(
        InputError, match=r"1 principal components reproduce the worst node to [\d.e-]+ rms, expected 1e-06"
    ):
        load_or_make(config(root, n_components=1, max_reconstruction_error=1e-6), Priors.model_validate(PRIORS))


@pytest.mark.parametrize("resolution", [20_000.0, 50_000.0, None])
def test_smoothing_makes_up_the_difference_in_width(resolution: float | None) -> None:
    wave = log_wave(resolution) if resolution else np.arange(7070, 8890, 0.03)
    sigma = wave / (2.3548 * resolution) if resolution else 0.1
    labels = (4250.0, 3.0, 0.0, 0.0, 0.0)
    found = Smoother(resolution)(wave, spectrum(wave, labels, sigma))
    expected = GRID_SIGMA if resolution else np.hypot(GRID_SIGMA, 0.1)
    np.testing.assert_allclose(found, spectrum(bosz.WAVE, labels, expected), rtol=2e-3)


def test_a_resolution_a_little_too_low_is_noted_and_a_lower_one_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for resolution in ("r10000", "r5000"):
        for labels in itertools.product(*NODES.values()):
            if labels[0] < 4500:
                write_2024(tmp_path, labels, resolution)
        write_wavelengths(tmp_path, resolution)
    priors = Priors.model_validate(PRIORS | {"teff": [4010, 4240]})
    with caplog.at_level("INFO", "logg1m"):
        load_or_make(config(tmp_path, resolution="r10000"), priors)
    assert "lines beyond 8242 Å are up to σ = 0.377 Å wide instead of 0.35" in caplog.text
    with pytest.raises(InputError, match=r"r5000: lines are already σ = 0\.75 Å wide"):
        load_or_make(config(tmp_path, resolution="r5000"), priors)


@pytest.mark.slow
def test_original_resolution_carries_its_own_wavelengths(tmp_path: Path) -> None:
    for labels in itertools.product((4000.0, 4250.0), *list(NODES.values())[1:]):
        write_2024(tmp_path, labels, "rorig")
    priors = Priors.model_validate(PRIORS | {"teff": [4010, 4240]})
    grid, _ = load_or_make(config(tmp_path, resolution="rorig"), priors)
    ln_flux = grid.mean + grid.coefficients[0, 0, 0, 0, 0] @ grid.components
    truth = 4 * np.pi * spectrum(grid.wave, (4000.0, 3.0, -0.25, 0.0, -0.25), np.hypot(GRID_SIGMA, 0.2))
    np.testing.assert_allclose(np.exp(ln_flux), truth, rtol=2e-3)


@pytest.mark.slow
def test_the_2017_release_is_read_by_its_own_names(tmp_path: Path) -> None:
    codes = {-0.25: "m03", 0.0: "p00", 0.25: "p03"}
    wave = np.arange(7070, 8890, 0.1)
    for labels in itertools.product((4000.0, 4250.0), *list(NODES.values())[1:]):
        teff, logg, m_h, a_m, c_m = labels
        name = f"am{codes[m_h]}c{codes[c_m]}o{codes[a_m]}t{teff:.0f}g{logg * 10:.0f}v20modrt0b50000rs.asc.bz2"
        flux = spectrum(wave, labels, 0.2)
        text = "\n".join(f"{w:.3f} {f:.6e} {f:.6e}" for w, f in zip(wave, flux))
        (tmp_path / name).write_bytes(bz2.compress(text.encode(), 1))
    models = find_models(config(tmp_path, resolution="r50000"))
    assert {model.labels for model in models} == set(itertools.product((4000.0, 4250.0), *list(NODES.values())[1:]))
    priors = Priors.model_validate(PRIORS | {"teff": [4010, 4240]})
    _, provenance = load_or_make(config(tmp_path, resolution="r50000"), priors)
    assert provenance["release"] == "BOSZ 2017"


def test_2017_codes_stand_for_quarters() -> None:
    from logg1m.sources.bosz.files import _code

    codes = {"m13": -1.25, "m03": -0.25, "m08": -0.75, "p05": 0.5, "m10": -1.0, "p00": 0.0, "m00": 0.0, "m23": -2.25}
    assert {text: _code(text) for text in codes} == codes


def test_air_wavelengths_are_refused(tmp_path: Path) -> None:
    for labels in itertools.product((4000.0, 4250.0), *list(NODES.values())[1:]):
        write_2024(tmp_path, labels, shift=2.36)
    write_wavelengths(tmp_path)
    with pytest.raises(InputError, match=r"wavelengths are in air: the Ca II triplet lies 2\.\d Å bluewards"):
        load_or_make(config(tmp_path), Priors.model_validate(PRIORS | {"teff": [4010, 4240]}))


def rewrite_wavelengths(few: Path, wave: np.ndarray) -> None:
    path = few / "wavelength_grids" / "bosz2024_wave_r20000.txt"
    path.unlink()
    path.write_text("\n".join(f"{value:.9e}" for value in wave))


@pytest.mark.parametrize(("factor", "unit"), [(0.1, "nm"), (1e-4, "µm"), (1e-10, "m")])
def test_wavelengths_in_other_units_are_refused(few: Path, factor: float, unit: str) -> None:
    rewrite_wavelengths(few, log_wave(20_000.0) * factor)
    with pytest.raises(InputError, match=rf"bosz2024_wave_r20000\.txt: the wavelengths, .* look like {unit}; convert"):
        load_or_make(config(few), Priors.model_validate(PRIORS))


def test_a_whole_grid_in_nanometres_is_refused_though_it_covers_the_numbers(few: Path) -> None:
    rewrite_wavelengths(few, np.geomspace(50, 32_000, 50_000))
    with pytest.raises(InputError, match=r"the wavelengths, 50 … 32000, .* look like nm; convert them to Å"):
        load_or_make(config(few), Priors.model_validate(PRIORS))


@pytest.mark.parametrize(("by", "message"), [(200.0, "nowhere to be seen, though the coolest models have 4000 K"),
                                              (4.0, r"lies \+\d\.\d Å from its vacuum position")])  # fmt: skip
def test_wavelengths_that_put_the_triplet_elsewhere_are_refused(few: Path, by: float, message: str) -> None:
    wave = log_wave(20_000.0)
    inside = np.clip((wave - 7070) / (8890 - 7070), 0, 1)
    rewrite_wavelengths(few, wave + by * np.sin(np.pi * inside))  # the range is covered all the same
    with pytest.raises(InputError, match=message):
        load_or_make(config(few), Priors.model_validate(PRIORS))


def test_folders_without_what_is_asked_say_what_they_hold(few: Path, tmp_path: Path) -> None:
    priors = Priors.model_validate(PRIORS)
    with pytest.raises(InputError, match="is not a folder"):
        load_or_make(config(tmp_path / "none"), priors)
    with pytest.raises(InputError, match="of r50000, atmosphere marcs, v2; it holds 2024 mp r20000 v2, 2024 ms r20000"):
        load_or_make(config(few, resolution="r50000"), priors)
    with pytest.raises(InputError, match=r"priors\.teff = \[3750, 6000\], but the BOSZ files have only \[4000\.0"):
        load_or_make(config(few), Priors())
    (few / "wavelength_grids" / "bosz2024_wave_r20000.txt").unlink()
    with pytest.raises(InputError, match=r"wavelengths bosz2024_wave_r20000\.txt .* are missing"):
        load_or_make(config(few), priors)


def test_damaged_files_are_named(few: Path) -> None:
    path = few / file_name((4000.0, 3.0, -0.25, 0.0, 0.0))
    content = path.read_bytes()
    text = gzip.decompress(content)
    cases: dict[str, bytes] = {
        "is unreadable or damaged": content[: len(content) // 2],
        r"\d+ rows for \d+ wavelengths": gzip.compress(text[: len(text) // 2].rsplit(b"\n", 1)[0]),
        "must be positive": gzip.compress(b"\n".join([b"-1.0 1.0"] * (text.count(b"\n") + 1))),
        r"unreadable or damaged \(.*": gzip.compress(text.replace(b"e+", b"q+", 1)),
    }
    for message, spoilt in cases.items():
        path.unlink()
        path.write_bytes(spoilt)
        with pytest.raises(InputError, match=message) as caught:
            load_or_make(config(few), Priors.model_validate(PRIORS))
        assert path.name in str(caught.value)


def test_names_follow_the_published_layout() -> None:
    assert file_name((5000.0, 4.5, 0.0, 0.0, 0.0), "r10000") == (
        "r10000/m+0.00/bosz2024_mp_t5000_g+4.5_m+0.00_a+0.00_c+0.00_v2_r10000_resam.txt.gz"
    )
    assert file_name((3750.0, 1.0, -2.5, 0.25, -0.5)).startswith("r20000/m-2.50/bosz2024_ms_t3750_g+1.0_m-2.50_a+0.25")
    assert len(LABELS) == 5
