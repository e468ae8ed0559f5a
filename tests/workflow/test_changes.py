"""What runs again after an edit of code, configuration or an experiment's file."""

import shutil
from collections import Counter

import pytest
from harness import CONFIRMED, DOCUMENTS, OF_BEST_MODEL, PHASE_1_RUNS, Flow, copy_project

pytestmark = pytest.mark.slow

PHASE_1_GATES = ("evidence:d2", "decide:d2", "evidence:d3", "decide:d3", "propose", "settle_recipe", *CONFIRMED)
PHASE_1_VERDICTS = tuple(f"{what}_mvp_1_{k}" for what in ("verdict", "figures") for k in range(2, 6))
OF_NUMBERS = ("sigma_vs_error", "ratio_histogram", "sigma_map", "fisher_sensitivity_map", "ceiling_vs_snr")
BOUNDS_AND_MODELS = ("bounds_and_models", *(f"figure_{name}" for name in OF_NUMBERS), "fisher")
ERRORS = (
    "errors",
    "figure_error_cells",
    "figure_error_bias",
    *OF_BEST_MODEL,
)  # beside fisher.json, of the best model there is
EVERYTHING_BELOW_THE_STORE = Counter([
    "generate", "survey", "protocol", "ridge", "lightgbm:1k", "ridge_marginalised", "lightgbm_draws:1k", "projection:1k", "scaling", "bounds", "bayes", "models", "networks",
    *ERRORS, *BOUNDS_AND_MODELS, "figure_snr_histogram", "figure_ridge_alpha", "figure_scaling",
    "verdict_mvp_0_a", "verdict_mvp_0_b", "verdict_mvp_1_1", "evidence:d1", "decide:d1",
    *PHASE_1_RUNS, *PHASE_1_VERDICTS, *PHASE_1_GATES,
])  # fmt: skip
# What each module reaches before the next open decision.
REACHED = {
    "baselines/boosting.py": [
        "lightgbm:1k", "lightgbm_draws:1k", "scaling", "figure_scaling", *BOUNDS_AND_MODELS, "verdict_mvp_0_b", "verdict_mvp_1_1", "models",
        *ERRORS, "evidence:d1", "decide:d1", *CONFIRMED,
    ],
    # What stands beside the published protocol is no ancestor of fisher.json.
    "baselines/marginalised.py": ["ridge_marginalised", "scaling", "verdict_mvp_0_b", "figure_scaling", *CONFIRMED],
    "experiments/models/classical.py": [
        *PHASE_1_RUNS, *PHASE_1_VERDICTS, *PHASE_1_GATES, "networks", "models", *ERRORS, "evidence:d1", "decide:d1",
    ],
    "decisions/recipes.py": ["propose", "settle_recipe", *CONFIRMED],
    "report/markdown/overview.py": ["documents"],
    # A restyled figure: its rule, what gathers numbers and figures, the documents that show it. Nothing computes or judges.
    "figures/ridge_alpha.py": ["figure_ridge_alpha", "fisher", *DOCUMENTS],
    "figures/scaling.py": ["figure_scaling", *DOCUMENTS],
    "figures/sigma_map.py": ["figure_sigma_map", "fisher", *DOCUMENTS],
    "figures/normalisations.py": ["figures_mvp_1_3", *DOCUMENTS],
}  # fmt: skip


def append(flow: Flow, module: str, text: str) -> None:
    with flow.path(f"src/logg1m/{module}").open("a") as stream:
        stream.write(text)


@pytest.mark.parametrize("module", REACHED)
def test_edited_module_reruns_the_rules_that_reach_it(flow, module):
    append(flow, module, "\n_ADDED = 1\n")
    assert flow.jobs() == Counter(REACHED[module])


def test_edited_comment_docstring_and_format_rerun_nothing(flow):
    for module in REACHED:
        append(flow, module, "\n# a remark\n")
    flow.edit("src/logg1m/spectra/store.py", '"""The Zarr v3 store', '"""A Zarr v3 store')
    flow.edit("src/logg1m/noise.py", "import math\n", "import math  # a remark\n\n")
    assert not flow.jobs()


def test_data_setting_reruns_everything_below_the_store(flow):
    flow.configure("data", observation={"seeing": 0.9})
    forecast = ["forecast", *(f"figure_forecast_{name}" for name in ("exposure", "levers", "windows"))]
    assert flow.jobs() == EVERYTHING_BELOW_THE_STORE + Counter(
        [f"{figure}{name}" for name in ("magnitude_sweep", "requirements") for figure in ("", "figure_")] + forecast
    )


def test_machine_setting_reruns_nothing(flow):
    flow.configure("compute", device="cpu")
    assert not flow.jobs()


def test_setting_of_one_kind_of_model_does_not_retrain_another(flow):
    flow.configure("experiments", train_size={"ridge": 200, "lightgbm": 300, "projection": 300, "vit": 300})
    assert not flow.jobs()
    flow.configure("experiments", train_size={"ridge": 300})
    assert {job for job in flow.jobs() if job.startswith("run_variant")} == set(PHASE_1_RUNS)


def test_added_variant_runs_alone_and_its_verdict_follows(flow):
    added = {"label": "B: z-score in chunks of 100 px", "change": {"normalisation": "zscore_100"}}
    flow.edit_yaml("config/experiments/mvp_1_3.yaml", lambda e: e["variants"].update(zscore_100=added))
    assert flow.jobs() == Counter(
        [
            "run_variant:mvp_1_3/zscore_100/0",
            "verdict_mvp_1_3",
            "figures_mvp_1_3",
            "models",
            *ERRORS,
            "evidence:d1",
            "decide:d1",
            "propose",
            "settle_recipe",
            *CONFIRMED,
        ]
    )


def test_changed_variant_reruns_alone(flow):
    change = {"normalisation": "zscore_200"}
    flow.edit_yaml("config/experiments/mvp_1_3.yaml", lambda e: e["variants"]["zscore_500"].update(change=change))
    runs = [name for name in flow.jobs() if name.startswith("run_variant")]
    assert runs == ["run_variant:mvp_1_3/zscore_500/0"]


def test_paused_experiment_leaves_the_graph(flow):
    flow.configure("experiments", paused=["3.4"])
    flow.path("results/mvp_3_4/verdict.json").write_text("not what it was")
    assert flow.jobs() == Counter([*CONFIRMED])


def test_decisions_that_read_a_paused_experiment_run_nothing_of_it(flow):
    flow.configure("experiments", paused=["1.4", "1.5"])
    shutil.rmtree(flow.path("results/mvp_1_4"))
    shutil.rmtree(flow.path("results/mvp_1_5"))
    jobs = flow.jobs()
    assert {"evidence:d2", "evidence:d3"} <= set(jobs)
    assert not [name for name in jobs if "mvp_1_4" in name or "mvp_1_5" in name]


def test_unknown_key_is_one_error_without_traceback_or_job(flow):
    flow.configure("data", n_spectre=5)
    printed = flow.snakemake(ok=False)
    assert printed.count("data.n_spectre: unknown key (did you mean 'n_spectra'?)") == 1
    assert "Traceback" not in printed
    assert "rule " not in printed


def test_misspelt_experiment_is_one_error_that_names_the_file(flow):
    flow.edit_yaml("config/experiments/mvp_1_3.yaml", lambda e: e["variants"]["median"].update(chnage={}))
    printed = flow.snakemake(ok=False)
    assert printed.count("variants.median.chnage: unknown key") == 1
    assert "config/experiments/mvp_1_3.yaml is not a valid" in printed
    assert "Traceback" not in printed
    assert "rule " not in printed


@pytest.mark.parametrize("scale", ["full", "laptop", "smoke"])
def test_every_scale_has_a_graph(tmp_path, scale):
    flow = copy_project(tmp_path / "project")
    jobs = flow.jobs("--configfile", f"config/scale/{scale}.yaml")
    assert {"generate", "fisher", "verdict_mvp_1_5", "decide:d1"} <= set(jobs)


def test_lint_finds_nothing(tmp_path):
    assert "Congratulations" in copy_project(tmp_path / "project").snakemake("--lint")


def test_seeds_for_one_experiment_run_it_and_what_it_is_compared_with_alone(flow):
    flow.configure("experiments", seeds_for={"1.5": 2})
    assert flow.jobs() == Counter([
        "run_variant:mvp_1_2/flux/1", "run_variant:mvp_1_5/multi_equal/1", "verdict_mvp_1_5", "figures_mvp_1_5",
        "evidence:d3", "decide:d3", "propose", "settle_recipe", *CONFIRMED,
    ])  # fmt: skip
    flow.configure("experiments", seeds_for={"1.1": 2})
    printed = flow.snakemake("-n", ok=False)
    assert "experiments.seeds_for: there is no experiment with runs '1.1'; expected some of 1.2" in printed
