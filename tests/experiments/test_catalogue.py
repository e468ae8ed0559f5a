"""Experiment files: what is read, what is refused, and which variants run at a scale."""

import shutil
from pathlib import Path

import pytest
import yaml

from logg1m.config.experiments import Experiment, Experiments, Recipe, Variant
from logg1m.decisions.points import NEEDED
from logg1m.experiments import catalogue
from logg1m.files import InputError

FILES = Path(__file__).parents[2] / "config/experiments"
SMALL = {
    "id": "3.7", "name": "training_set", "title": "Training set", "phase": 3, "question": "?",
    "hypothesis": {"text": "…"},
    "variants": {
        "all": {"label": "all"},
        "low_noise": {"label": "low", "change": {"train_on": "low_noise"}},
        "dual": {"label": "dual", "change": {"tokeniser": "dual_32_256"}},
        "masked": {"label": "masked", "change": {"mask": "error_5"}, "laptop": False},
    },
    "acceptance": {"text": "MAE down", "reference": "all", "criteria": [{"metric": "mae"}]},
}  # fmt: skip

RIDGE = Recipe(model="ridge")


def experiment(**changes) -> Experiment:
    return Experiment.model_validate(SMALL | changes)


def refusal(folder, **changes) -> str:
    (folder / "mvp_3_7.yaml").write_text(yaml.safe_dump(SMALL | changes, sort_keys=False))
    with pytest.raises(InputError) as caught:
        catalogue.load(folder)
    return str(caught.value)


def test_the_seventeen_files_are_valid_and_in_the_order_of_the_roadmap():
    found = catalogue.load(FILES)
    assert [e.id for e in found.values()] == [
        *("0.A", "0.B"), *(f"1.{k}" for k in range(1, 7)), *(f"2.{k}" for k in range(1, 4)),
        *(f"3.{k}" for k in range(1, 7)),
    ]  # fmt: skip
    assert all(e.phase == int(e.id[0]) for e in found.values())


def test_every_variant_of_the_files_differs_from_the_reference_and_is_a_valid_recipe():
    for e in catalogue.load(FILES).values():
        if e.acceptance:
            recipes = {name: catalogue.recipe(Recipe(), v.change) for name, v in e.variants.items()}
            reference = recipes.pop(e.acceptance.reference)
            assert all(recipe != reference for recipe in recipes.values()), e.id
            assert len(set(map(repr, recipes.values()))) == len(recipes), e.id


def test_leaky_variants_are_those_that_see_what_no_observer_has():
    for e in catalogue.load(FILES).values():
        for variant in e.variants.values():
            sees = variant.change.get("error_source") == "simulator" or variant.change.get("denoiser", "").endswith(
                "clean"
            )
            assert variant.leaky == sees, (e.id, variant.label)


def test_misnamed_file_is_refused(tmp_path):
    (tmp_path / "mvp_3_8.yaml").write_text(yaml.safe_dump(SMALL))
    with pytest.raises(InputError, match=r"describes mvp_3_7; name it mvp_3_7\.yaml"):
        catalogue.load(tmp_path)


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no experiment files"):
        catalogue.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variants": {"all": {"label": "all"}, "x": {"label": "x", "change": {"maks": "error_5"}}}}, "maks"),
        ({"variants": {"all": {"label": "all"}, "../x": {"label": "x"}}}, "letters, digits and _"),
        ({"acceptance": SMALL["acceptance"] | {"reference": "none"}}, "is not among all, low_noise"),
        ({"acceptance": None}, "exactly one of acceptance"),
        ({"figures": {"a/b": "comparison"}}, "figure names"),
        ({"id": "3.77"}, "id = '3.77'"),
        ({"colour": "red"}, "colour: unknown key"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path, changes, message):
    text = refusal(tmp_path, **changes)
    assert message in text
    assert "mvp_3_7.yaml" in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"all_variants": True, "train_size": {"vit": 20}},
            "few_labels: label_share = 0.2 of the 20 .* leaves 4; at least 5",
        ),
        ({"recipe": {"training_spectra": "simulated"}}, "none, on experiments.recipe: .* or pause it .*'3.3'"),
    ],
)
def test_a_variant_that_cannot_train_is_refused_before_anything_runs(settings, message):
    found = catalogue.load("config/experiments")
    catalogue.check_recipes(found, Experiments())
    with pytest.raises(InputError, match=message):
        catalogue.check_recipes(found, Experiments(**settings))
    catalogue.check_recipes(found, Experiments(**settings, paused=("2.1", "3.3")))


@pytest.mark.parametrize("file", ["/etc/passwd", "results/../secret.json", "elsewhere/x.json"])
def test_artifact_outside_the_results_is_refused(tmp_path, file):
    artifact = {"file": file, "value": "x", "accepted": ["y"], "text": "…"}
    text = refusal(tmp_path, variants={}, acceptance=None, artifact=artifact)
    assert "artifact.file" in text or "file must stay inside results/" in text


def test_only_variants_that_exist_for_the_model_run():
    settings = Experiments(all_variants=True, recipe=RIDGE)
    assert catalogue.variants(experiment(), settings) == ["all", "low_noise", "masked"]


def test_only_laptop_variants_run_unless_all_are_asked_for():
    assert catalogue.variants(experiment(), Experiments(recipe=RIDGE)) == ["all", "low_noise"]


def test_no_variant_runs_without_its_reference():
    without = experiment(acceptance=SMALL["acceptance"] | {"reference": "dual"})
    assert catalogue.variants(without, Experiments(recipe=RIDGE)) == []


def test_model_of_a_variant_decides_what_it_may_change():
    assert catalogue.applicable({"heads": "multi_equal"}, "ridge")
    assert not catalogue.applicable({"model": "lightgbm", "heads": "multi_equal"}, "ridge")
    assert catalogue.applicable({"model": "lightgbm", "mask": "error_1"}, "ridge")
    assert catalogue.applicable({"model": "projection", "components": 16, "heads": "multi_equal"}, "vit")
    assert not catalogue.applicable({"model": "projection", "tokeniser": "single_32"}, "vit")
    assert not catalogue.applicable({"components": 16}, "vit")


def test_recipe_of_a_variant_is_the_base_with_its_change():
    base = Recipe(normalisation="median", windows="lines")
    assert catalogue.recipe(base, {"windows": "full"}) == Recipe(normalisation="median", windows="full")


def write(folder, **changes) -> None:
    """An experiment file beside the others of a folder."""
    made = SMALL | changes
    path = folder / f"mvp_{made['id'].replace('.', '_')}.yaml"
    path.write_text(yaml.safe_dump(made, sort_keys=False))


def judged_by(reference: str) -> dict:
    return SMALL["acceptance"] | {"reference": reference}


def test_runs_of_another_variant_are_used_where_an_experiment_says_so(tmp_path):
    write(tmp_path, variants={**SMALL["variants"], "all": {"label": "all", "same_as": "mvp_3_8/other"}})
    write(tmp_path, id="3.8", variants={"other": {"label": "x"}}, acceptance=judged_by("other"))
    found = catalogue.load(tmp_path)
    assert catalogue.runs_in(found, "mvp_3_7", "all") == "mvp_3_8/other"
    assert catalogue.runs_in(found, "mvp_3_7", "low_noise") == "mvp_3_7/low_noise"


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"id": "3.8", "variants": {"another": {"label": "x"}}}, "there is no such variant"),
        ({"id": "3.8", "variants": {"other": {"label": "x", "same_as": "mvp_3_7/low_noise"}}}, "borrows itself"),
        ({"id": "2.8", "phase": 2, "variants": {"other": {"label": "x"}}}, "starts from another recipe"),
    ],
)
def test_runs_that_cannot_be_borrowed_are_refused(tmp_path, other, message):
    target = f"mvp_{other['id'].replace('.', '_')}/other"
    write(tmp_path, variants={**SMALL["variants"], "all": {"label": "all", "same_as": target}})
    write(tmp_path, **other, acceptance=judged_by(next(iter(other["variants"]))))
    with pytest.raises(InputError, match=message):
        catalogue.load(tmp_path)


def test_borrowed_runs_have_no_change_of_their_own():
    with pytest.raises(ValueError, match="cannot have a change"):
        Variant(label="x", same_as="mvp_1_2/flux", change={"windows": "lines"})


@pytest.mark.parametrize("gate", ["cancelled_by", "first_if"])
def test_a_gate_names_a_decision_and_an_outcome_that_there_are(tmp_path, gate):
    assert f"{gate}.d9" in refusal(tmp_path, **{gate: {"d9": "stop"}})
    assert f"{gate}.d2 = 'narrow': expected one of windows, full" in refusal(tmp_path, **{gate: {"d2": "narrow"}})
    early = refusal(tmp_path, id="1.7", phase=1, **{gate: {"d2": "full"}})
    assert f"{gate}.d2: no decision is made before Phase 1" in early
    assert getattr(experiment(**{gate: {"d2": "full"}}), gate) == {"d2": "full"}


def test_a_folder_of_experiments_without_those_that_are_needed_is_refused_with_their_names(tmp_path):
    for path in FILES.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    catalogue.load(tmp_path, NEEDED)
    for name in ("mvp_0_b", "mvp_1_2", "mvp_1_4"):
        (tmp_path / f"{name}.yaml").unlink()
    with pytest.raises(InputError) as caught:
        catalogue.load(tmp_path, NEEDED)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path} lacks mvp_0_b.yaml, mvp_1_4.yaml, mvp_1_2.yaml, which the workflow")
    assert f"copy the missing files from {FILES.resolve()}, or remove {tmp_path}" in said


def test_only_an_experiment_that_there_is_can_be_paused():
    found = catalogue.load(FILES)
    catalogue.check_names(found, ("1.2", "3.4"), "experiments.paused")
    with pytest.raises(
        InputError, match=r"experiments\.paused: there is no experiment '9\.9'; expected some of 0\.A, 0\.B"
    ):
        catalogue.check_names(found, ("1.2", "9.9"), "experiments.paused")
