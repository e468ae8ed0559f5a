"""The kinds of figures are the files of the folder; what the Snakefile asks of them is read, not run."""

import subprocess
import sys
from pathlib import Path

import pytest

from logg1m.experiments.catalogue import load
from logg1m.figures import catalogue
from logg1m.files import InputError


def test_every_kind_says_what_it_is_and_has_a_test():
    here = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert set(catalogue.kinds()) <= here
    for kind in catalogue.kinds():
        assert catalogue.caption(kind).endswith(".")
        assert catalogue.title(kind)
        assert catalogue.asks_for(kind)
        module = catalogue.module(kind)
        assert (catalogue.title(kind), catalogue.caption(kind)) == (module.TITLE, module.CAPTION)


def test_files_that_figures_share_are_no_kinds():
    assert not {
        "style",
        "interactive",
        "empty",
        "catalogue",
        "given",
        "bias",
        "fisher",
        "convergence",
        "error_binned",
        "training",
    } & set(catalogue.kinds())


def test_the_experiments_name_kinds_that_there_are():
    named = {kind for e in load("config/experiments").values() for kind in e.figures.values()}
    assert named == set(catalogue.kinds())


def test_reading_about_kinds_loads_no_heavy_library():
    code = (
        "import sys\nfrom logg1m.figures import catalogue\n"
        "[(catalogue.title(k), catalogue.asks_for(k), catalogue.shows_times(k)) for k in catalogue.kinds()]\n"
        "assert not {'matplotlib', 'torch', 'plotly'} & set(sys.modules), 'heavy'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_a_kind_is_drawn_from_are_the_arguments_of_its_functions():
    assert catalogue.asks_for("sigma_map") == ["fisher", "stars"]
    assert catalogue.asks_for("bias_teff") == ["verdict"]
    assert catalogue.asks_for("attention") == ["evidence", "verdict"]


def test_a_kind_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"no kind of figure is called 'pie'.*attention, bias_m_h"):
        catalogue.title("pie")


def test_an_experiment_that_did_not_run_has_figures_that_say_so(draw):
    verdict = {"id": "3.1", "reason": "not run", "variants": {}}
    assert draw("comparison", verdict=verdict)["reason"].tolist() == ["not run"]
