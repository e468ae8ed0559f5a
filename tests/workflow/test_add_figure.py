"""A new kind of figure: one file in the room of figures, and one line in the file of an experiment."""

from collections import Counter

import pandas as pd
import pytest
from harness import DOCUMENTS, Flow

pytestmark = pytest.mark.slow

KIND = '''"""How many variants took part."""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

TITLE = "Variants by role"
CAPTION = "Number of variants in each role."


def values(verdict: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({"role": [variant["role"] for variant in verdict["variants"].values()]}).value_counts().reset_index()


def draw(table: pd.DataFrame, verdict: dict[str, Any]) -> Figure:
    figure, axis = plt.subplots()
    axis.bar(table["role"], table["count"])
    axis.set_title(verdict["title"])
    return figure
'''


def add(flow: Flow, text: str = KIND) -> None:
    flow.path("src/logg1m/figures/roles.py").write_text(text)
    flow.edit_yaml("config/experiments/mvp_1_3.yaml", lambda e: e["figures"].update(roles_of_variants="roles"))


def test_a_new_kind_redraws_its_experiment_and_nothing_else(flow):
    add(flow)
    assert flow.jobs() == Counter(["figures_mvp_1_3", *DOCUMENTS])


def test_a_kind_that_asks_for_what_there_is_not_is_one_error_that_says_what_there_is(flow):
    add(flow, KIND.replace("draw(table: pd.DataFrame, verdict", "draw(table: pd.DataFrame, weather"))
    printed = flow.snakemake(ok=False)
    assert printed.count("figures of the kind roles ask for weather") == 1
    assert "may be verdict, evidence, snr" in printed
    assert "Traceback" not in printed


def test_a_kind_without_picture_is_one_error_that_names_the_file(flow):
    add(flow, KIND.split("def draw")[0])
    printed = flow.snakemake(ok=False)
    assert printed.count("src/logg1m/figures/roles.py is a kind of figure and lacks the function draw") == 1
    assert "Traceback" not in printed


def test_a_kind_that_is_no_file_is_one_error_that_names_those_there_are(flow):
    flow.edit_yaml("config/experiments/mvp_1_3.yaml", lambda e: e["figures"].update(roles_of_variants="roles"))
    printed = flow.snakemake(ok=False)
    assert printed.count("figures.roles_of_variants = 'roles': expected one of attention, bias_m_h") == 1
    assert "Traceback" not in printed


def test_a_new_kind_is_drawn_and_appears_in_the_documents(flow):
    add(flow)
    flow.draws()
    for path in [*flow.path("results/mvp_1_2").glob("*/seed_0/*"), *flow.path("results/mvp_1_3").glob("*/seed_0/*")]:
        path.unlink()
    flow.run("results/mvp_1_3/roles_of_variants.png")
    table = pd.read_csv(flow.path("results/mvp_1_3/roles_of_variants.csv"))
    assert dict(zip(table["role"], table["count"])) == {"reference": 1, "candidate": 1}
    assert flow.path("results/mvp_1_3/roles_of_variants.png").stat().st_size > 1_000
    assert flow.path("results/mvp_1_3/normalization_examples.png").stat().st_size > 1_000
