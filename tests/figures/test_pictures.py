"""Pictures in the documents: what the present code draws from the numbers beside them."""

from pathlib import Path

import made_roadmap
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from logg1m.experiments import catalogue
from logg1m.figures import catalogue as kinds
from logg1m.figures import pictures, style
from logg1m.files import InputError, read_json, write_csv

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs/images"
LARGEST = 0.1  # share of the ink that may lie elsewhere, where fonts are not the same


@pytest.fixture(autouse=True)
def drawn_fast():
    """Not here: pictures are those that a run draws."""


def test_the_documents_show_the_pictures_that_there_are():
    documents = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    there = {path.stem for path in IMAGES.glob("*.png")}
    assert set(pictures.referred(documents)) <= there
    with_values = {path.stem for path in IMAGES.glob("*.csv")}
    assert with_values == {path.stem for path in IMAGES.glob("*.json")}
    assert there == with_values


@pytest.mark.parametrize("name", sorted(path.stem for path in IMAGES.glob("*.csv")))
def test_a_picture_in_the_documents_is_what_the_code_draws(name, tmp_path):
    style.save_picture(pictures.redrawn(IMAGES / f"{name}.csv"), tmp_path / "again.png")
    plt.close("all")
    assert pictures.unlike(IMAGES / f"{name}.png", tmp_path / "again.png") < LARGEST


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A made run whose figures have their values."""
    folder = tmp_path_factory.mktemp("run")
    made_roadmap.make(folder / "results", catalogue.load(ROOT / "config/experiments"))
    for key, name, given in (("mvp_1_3", "normalization_comparison", "verdict"), ("mvp_0_b", "scaling", "scaling")):
        experiment = catalogue.load(ROOT / "config/experiments")[key]
        content = {given: read_json(folder / f"results/{key}/{given}.json")}
        kinds.draw(experiment.figures[name], content, folder / f"results/{key}/{name}.png")
    return folder


@pytest.mark.parametrize(("key", "name"), [("mvp_1_3", "normalization_comparison"), ("mvp_0_b", "scaling")])
def test_what_is_kept_of_a_run_draws_its_picture(run, key, name, tmp_path):
    kept = tmp_path / f"{name}.png"
    pictures.keep(run, name, kept)
    assert pictures.unlike(kept, run / f"results/{key}/{name}.png") < 0.01
    of_run = (run / f"results/{key}").glob("[vs]*.json")
    assert kept.with_suffix(".json").stat().st_size < 0.5 * sum(path.stat().st_size for path in of_run)
    style.save_picture(pictures.redrawn(kept), tmp_path / "again.png")
    assert pictures.unlike(kept, tmp_path / "again.png") == 0
    table = pd.read_csv(kept.with_suffix(".csv"))
    columns = [name for name in ("value", "low", "high", "r2", "r2_low", "r2_high") if name in table]
    table.loc[::2, columns] += 0.3
    write_csv(kept.with_suffix(".csv"), table)
    style.save_picture(pictures.redrawn(kept), tmp_path / "other.png")
    assert pictures.unlike(kept, tmp_path / "other.png") > LARGEST


def test_what_cannot_be_kept_is_refused(run, tmp_path):
    with pytest.raises(InputError, match="has a figure pie"):
        pictures.keep(run, "pie", tmp_path / "pie.png")
    with pytest.raises(InputError, match=r"attention are drawn from evidence, which is too much"):
        pictures.keep(run, "attention_on_windows", tmp_path / "attention.png")
