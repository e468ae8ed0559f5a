"""The structure behind every document: states, numbers with their origin, the answer, decisions and conclusions."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from logg1m.config.decisions import Decisions
from logg1m.config.report import Report
from logg1m.decisions import gates
from logg1m.files import InputError, read_json, write_json
from logg1m.report import states
from logg1m.report.collect import Context, collect
from logg1m.report.roadmap import STATES, Mvp
from logg1m.results.artifacts import Artifacts, at
from logg1m.results.numbers import Cursor

from made_roadmap import fisher  # isort: skip


def numbers(value: Any) -> Iterator[Cursor]:
    """Every number anywhere in the structure."""
    if isinstance(value, Cursor):
        if value.number():
            yield value
        for part in () if value.number() else value:
            yield from numbers(part)
    elif dataclasses.is_dataclass(value):
        for part in dataclasses.fields(value):
            yield from numbers(getattr(value, part.name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from numbers(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from numbers(part)


def of(paths: list[Path], experiments: Any, **setting: Any) -> Any:
    return collect(paths, experiments, Context(**setting))


def state(paths: list[Path], experiments: Any, key: str, **setting: Any) -> tuple[str, str]:
    mvp = of(paths, experiments, **setting).mvp(key)
    return mvp.state, mvp.why


def alter(path: Path, change: Any) -> None:
    content = read_json(path)
    change(content)
    write_json(path, content)


def test_every_number_stands_in_the_file_and_place_that_it_names(paths, experiments):
    roadmap = of(paths, experiments)
    found = list(numbers(roadmap))
    assert len(found) > 1000
    contents = {file: read_json(file) for file in {n.file for n in found}}
    for n in found:
        there = at(contents[n.file], n.place)
        expected = (there["value"], *there["ci95"]) if isinstance(there, dict) else (there, None, None)
        assert (n.value, n.low, n.high) == expected, (n.file, n.place)


def test_a_finished_roadmap_is_done_and_every_experiment_has_a_conclusion(paths, experiments):
    roadmap = of(paths, experiments)
    assert [m.key for m in roadmap.mvps] == list(experiments)
    assert {m.state for m in roadmap.mvps} == {"done"}
    assert len(roadmap.conclusions) == 17
    assert all(m.outcome and m.why for m in roadmap.mvps)
    assert all(m.figures for m in roadmap.mvps)


def test_nothing_that_was_not_handed_over_is_read(paths, experiments, results):
    handed = [path for path in paths if path.parts[1] != "mvp_1_2"]
    (results / "mvp_1_2/verdict.json").write_text("not JSON")
    mvp = of(handed, experiments).mvp("1.2")
    assert (mvp.state, mvp.variants, mvp.figures, mvp.conclusion) == ("planned", (), (), None)


def test_d1_stop_cancels_later_phases_whatever_lies_on_disk(paths, experiments, results):
    evidence = gates.d1(fisher(ratio=1.0), Decisions())
    write_json(results / "decisions/d1.json", gates.outcome(evidence))
    write_json(results / "decisions/d1.evidence.json", evidence)
    roadmap = of(paths, experiments)
    for mvp in roadmap.mvps:
        if mvp.phase >= 2:
            assert (mvp.state, mvp.cancelled_by, mvp.outcome, mvp.variants) == ("cancelled", "d1", "", ())
            assert mvp.why == (
                "D1 = stop (by its rule; RMSE over the Bayes-optimal RMSE of Ridge is 1.00 [0.94, 1.06], "
                "thresholds 2 and 1.25), so "
                "Phases 2 and 3 are cancelled"
            )
            assert mvp.conclusion is None
        else:
            assert mvp.state == "done"
    d1 = roadmap.decisions[0]
    assert d1.outcome == "stop"
    assert set(d1.cancels) == {m.id for m in roadmap.mvps if m.phase >= 2}
    assert d1.details[0] == ("best model", "Ridge, on 16 low-noise validation stars")
    assert len(d1.details[1:]) == 4, "the directions that remain"
    ratio = next(n for name, n in d1.numbers if name == "median error over the bound, Ridge")
    assert (ratio.value, ratio.file) == (1.0, "results/decisions/d1.evidence.json")


def test_override_and_the_rules_own_verdict_stand_side_by_side(paths, experiments, results):
    evidence = gates.d2(read_json(results / "mvp_1_4/verdict.json"), Decisions(override={"d2": "full"}))
    write_json(results / "decisions/d2.json", gates.outcome(evidence))
    write_json(results / "decisions/d2.evidence.json", evidence)
    roadmap = of(paths, experiments)
    d2 = roadmap.decisions[1]
    assert (d2.outcome, d2.override, d2.cancels) == ("full", "full", ("3.5",))
    assert roadmap.mvp("3.5").state == "cancelled"
    said = next(ground.text for ground in roadmap.answer.decided if ground.key == "d2")
    assert said == "full (by override; the rule says windows; MVP-1.4 is accepted)."


@pytest.mark.parametrize("override", ["continue", "stop"])
def test_an_inconclusive_rule_is_called_that_under_an_override(paths, experiments, results, override):
    open_ratio = fisher(ratio=2.0)
    evidence = gates.d1(open_ratio, Decisions(override={"d1": override}))
    assert evidence["rule_outcome"] == "continue", "else the test shows nothing"
    write_json(results / "decisions/d1.evidence.json", evidence)
    write_json(results / "decisions/d1.json", gates.outcome(evidence))
    roadmap = of(paths, experiments)
    said = next(ground.text for ground in roadmap.answer.decided if ground.key == "d1")
    assert said.startswith(
        f"{override} (by override; the rule says inconclusive, so its default “continue” would hold;"
    )
    assert "2.00 [1.94, 2.06], thresholds 2 and 1.25" in said
    later = roadmap.mvp("2.1")
    if override == "stop":
        assert later.why.startswith("D1 = stop (by override; the rule says inconclusive")
        assert "near the bound" not in later.why


def test_a_leak_is_told_first_and_is_neither_the_answer_nor_without_a_failed_check(paths, experiments, results):
    before = of(paths, experiments).answer
    assert before.leak == ()
    efficiency = {"value": 1.5, "ci95": [1.25, 1.75]}
    for name in ("fisher", "models"):
        row = {"model": before.runs, "efficiency": efficiency, "meaning": "…"}
        alter(results / f"mvp_1_1/{name}.json", lambda f, row=row: f["leaks"].append(row))
    roadmap = of(paths, experiments)
    assert roadmap.answer.runs != before.runs
    assert "its efficiency is 1.50 [1.25, 1.75], and 1 is optimal" in roadmap.answer.leak[0]
    failed = [c for c in roadmap.mvp("1.1").checks if c.passed is False]
    assert len(failed) == 1
    assert "look for a leak" in failed[0].found


def test_a_model_above_an_approximate_ceiling_is_no_leak(paths, experiments, results):
    def lower(run: dict[str, Any]) -> None:
        run["efficiency"]["efficiency"] = {"value": 1.5, "ci95": [1.25, 1.75]}

    best = of(paths, experiments).answer
    alter(results / best.runs / "seed_0/metrics.json", lower)
    assert of(paths, experiments).answer.leak == (
        f"{best.model} is closer to the truth than the optimum on the same stars by more than the interval allows. Look for a "
        "leak.",
    )
    alter(results / "mvp_1_1/fisher.json", lambda f: f.update(ceiling_is_approximate=True))
    assert "approximation" in of(paths, experiments).answer.leak[-1]


def test_paused_and_running_experiments_say_so(paths, experiments):
    assert state(paths, experiments, "3.4", paused=("3.4",)) == ("paused", "paused in the configuration")
    known = Artifacts.of(paths)
    assert states.state(experiments["mvp_1_3"], known, {}, running=frozenset({"mvp_1_3"}))[0] == "running"


@pytest.mark.parametrize("name", ["verdict.json", "flux/seed_0/metrics.json", "error_input_comparison.png"])
def test_a_file_that_is_gone_is_missing_and_named(paths, experiments, results, name):
    (results / "mvp_1_2" / name).unlink()
    found, why = state(paths, experiments, "1.2")
    assert found == "missing"
    assert f"results/mvp_1_2/{name} is gone" in why
    mvp = of(paths, experiments).mvp("1.2")
    assert mvp.next_action == "snakemake results/mvp_1_2/verdict.json"
    assert mvp.variants == ()


def test_an_artifact_that_is_gone_makes_its_experiment_missing(paths, experiments, results):
    (results / "mvp_1_1/fisher.json").unlink()
    roadmap = of(paths, experiments)
    assert roadmap.mvp("1.1").state == "missing"
    assert roadmap.artifacts["mvp_1_1/fisher.json"].raw is None
    run = f"results/{roadmap.answer.runs}/seed_0/metrics.json"
    assert {roadmap.answer.ceiling.file, roadmap.answer.gap.file} == {run}, (
        "the run itself was held against the ceiling"
    )
    alter(results / run.removeprefix("results/"), lambda content: content.update(efficiency=None))
    answer = of(paths, experiments).answer
    assert (answer.ceiling, answer.gap, answer.paired) == (None, None, None)
    assert answer.no_ceiling == "MVP-1.1 has not computed it"


def test_a_verdict_of_another_experiment_file_is_stale(paths, experiments):
    experiment = experiments["mvp_1_2"]
    hypothesis = experiment.hypothesis.model_copy(update={"text": "Something else."})
    changed = {**experiments, "mvp_1_2": experiment.model_copy(update={"hypothesis": hypothesis})}
    assert state(paths, changed, "1.2") == ("stale", "the hypothesis has changed since the verdict")
    variant = experiment.variants["flux_over_error"].model_copy(update={"change": {"channels": ["error"]}})
    variants = {**experiment.variants, "flux_over_error": variant}
    changed = {**experiments, "mvp_1_2": experiment.model_copy(update={"variants": variants})}
    assert state(paths, changed, "1.2") == ("stale", "variant flux_over_error has changed since the verdict")
    del variants["flux_over_error"]
    assert state(paths, changed, "1.2") == ("stale", "variant flux_over_error is no longer in the experiment")


def test_a_verdict_whose_runs_or_artifact_say_otherwise_is_stale(paths, experiments, results):
    alter(results / "mvp_1_3/zscore_100/seed_0/metrics.json", lambda m: m["full"]["r2"].update(value=0.123))
    assert state(paths, experiments, "1.3") == (
        "stale",
        "the runs of variant zscore_100 have changed since the verdict",
    )
    alter(results / "mvp_1_1/fisher.json", lambda f: f["verdict"].update(outcome="near_bound"))
    assert state(paths, experiments, "1.1")[0] == "stale"


def test_seeds_that_another_verdict_asked_for_are_none_of_this_one(paths, experiments, results):
    """`experiments.seeds_for` trains a shared reference with more seeds than every other verdict reads."""
    before = of(paths, experiments).mvp("1.3").variants
    seeds = before[0].seeds
    for name in ("metrics.json", "provenance.json"):
        path = results / f"{before[0].runs}/seed_{seeds}/{name}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((results / f"{before[0].runs}/seed_0/{name}").read_bytes())
        paths = [*paths, path]
    alter(path.with_name("metrics.json"), lambda m: m["full"]["r2"].update(value=0.123))
    after = of(paths, experiments).mvp("1.3")
    assert after.state == "done"
    assert (after.variants[0].files, after.variants[0].seconds) == (before[0].files, before[0].seconds)


def test_without_results_experiments_are_ready_or_planned_with_what_they_wait_for(paths, experiments, results):
    assert {m.state for m in of([], experiments).mvps} == {"planned"}
    handed = [results / "data/manifest.json", results / "mvp_0_a/members.parquet"]
    handed[1].write_bytes(b"there")
    roadmap = of(handed, experiments)
    assert roadmap.mvp("1.2").state == "ready"
    assert roadmap.mvp("1.4").why == "waits for mvp_1_1/sensitivity.parquet"
    assert roadmap.mvp("2.1").why == "waits for decisions/recipe_phase2.json"
    assert {m.state for m in roadmap.mvps} <= set(STATES)


def test_the_answer_is_the_best_honest_model_and_its_gap_to_the_bayes_ceiling(paths, experiments, results):
    roadmap = of(paths, experiments)
    honest, leaky, runs = [], [], set()
    for path in results.glob("mvp_*/verdict.json"):
        experiment = experiments[path.parent.name]
        for name, variant in read_json(path)["variants"].items():
            folder = experiment.variants[name].same_as or f"{experiment.key}/{name}"
            if folder not in runs and (variant["role"] != "control" or variant["leaky"]):
                runs.add(folder)
                (leaky if variant["leaky"] else honest).append(variant["metrics"]["low_noise"]["r2"]["value"])
    for model in read_json(results / "mvp_0_b/scaling.json")["models"].values():
        honest.append([*model["scales"].values()][-1]["common_test"]["low_noise"]["r2"]["value"])
    answer = roadmap.answer
    assert (answer.best.value, answer.n_models) == (max(honest), len(honest))
    assert max(leaky) > max(honest), "else the test shows nothing"
    assert (answer.n_alike, answer.n_chosen_on) == (1, 16)
    assert answer.ceiling.value == 0.9375
    assert (answer.observed.value, answer.paired.value, answer.n_paired) == (0.953125, 0.75, 50)
    assert (answer.gap.value, answer.gap.low, answer.gap.high) == (0.1875, 0.125, 0.25)
    assert answer.gap_rmse.value == 0.1875
    assert {n.file for n in (answer.paired, answer.ceiling, answer.gap)} == {
        f"results/{answer.runs}/seed_0/metrics.json"
    }
    assert answer.n_test == roadmap.mvp(answer.mvp).n_test_low_noise


def test_the_answer_is_the_model_chosen_on_validation_stars_also_where_the_test_prefers_another(
    paths, experiments, results
):
    best = of(paths, experiments).answer
    other = next(name for name in read_json(results / "confirmation/winner.json")["rmse"] if name != best.runs)
    alter(results / "confirmation/winner.json", lambda w: w.update(model=other))
    answer = of(paths, experiments).answer
    assert (answer.runs.split("/")[0], answer.confirmed) == (other.split("/")[0], "")
    assert answer.best.value < best.best.value


def test_fresh_stars_say_a_line_of_the_answer_and_of_what_was_accepted(paths, experiments):
    roadmap = of(paths, experiments)
    stars = "On 400 fresh simulated stars that chose nothing (80 low-noise)"
    assert roadmap.answer.confirmed == (
        f"{stars} it reaches R² 0.75 [0.69, 0.81] and an RMSE of 0.38 dex [0.31, 0.44], a change of 0.016 dex "
        "[−0.047, 0.078] from the test: confirmed. So far 7 configurations have been looked at on these stars."
    )
    accepted = [m for m in roadmap.mvps if m.outcome == "accepted" and m.variants]
    assert accepted
    for mvp in accepted:
        assert mvp.confirmed.startswith(f"{stars}: “new” confirmed: MAE −25.0 % [−37.5, −12.5]")
    assert not any(m.confirmed for m in roadmap.mvps if m.outcome != "accepted")


def test_runs_that_several_experiments_use_are_read_where_they_lie(paths, experiments, results):
    mvp = of(paths, experiments).mvp("1.3")
    reference = mvp.variants[0]
    assert (reference.name, reference.runs) == ("median", "mvp_1_2/flux"), "else the test shows nothing"
    assert reference.files == ("results/mvp_1_2/flux/seed_0/metrics.json",)
    assert reference.seconds == 1.5
    (results / "mvp_1_2/flux/seed_0/metrics.json").unlink()
    assert state(paths, experiments, "1.3")[0] == "missing"


def test_conclusions_are_synced_only_while_their_words_and_numbers_are_those_that_were_copied(
    paths, experiments, results
):
    before = of(paths, experiments).mvp("1.2").conclusion
    report = Report(synced={"1.2": before.mark, "1.3": "00000000"})
    synced = {c.mvp: c.synced for c in of(paths, experiments, report=report).conclusions}
    assert [mvp for mvp, yes in synced.items() if yes] == ["1.2"]

    def change(verdict: dict[str, Any]) -> None:
        verdict["variants"][verdict["best_accepted"]]["criteria"][0]["improvement"]["value"] += 0.125

    alter(results / "mvp_1_2/verdict.json", change)
    after = of(paths, experiments, report=report).mvp("1.2").conclusion
    assert after.mark != before.mark
    assert not after.synced


def test_the_key_metric_is_never_that_of_a_control_or_of_a_model_that_sees_the_truth(paths, experiments, results):
    verdict = read_json(results / "mvp_1_2/verdict.json")
    write_json(results / "mvp_1_2/verdict.json", verdict | {"best_accepted": None, "outcome": "inconclusive"})
    conclusion = of(paths, experiments).mvp("1.2").conclusion
    improvements = {
        k: v["criteria"][0]["improvement"]["value"] for k, v in verdict["variants"].items() if "criteria" in v
    }
    assert max(improvements, key=improvements.get).endswith("leaky"), "else the test shows nothing"
    assert conclusion.number.value == max(improvements["flux_over_error"], improvements["two_channels"])


def test_reproduction_facts_come_from_what_jobs_recorded(paths, experiments, tmp_path):
    record = {"configuration": "c1", "code": "k1", "seconds": 2.5, "threads": 2, "hardware": "A, 2 usable cores",
              "started": "2026-01-01T00:00:00+00:00", "finished": "2026-01-01T00:00:02+00:00", "versions": {"numpy": "2"}}  # fmt: skip
    later = record | {"code": "k2", "seconds": 4.0, "finished": "2026-01-01T00:01:00+00:00", "threads": 1}
    names = [str(tmp_path / f"{k}.job.json") for k in range(3)]
    for name, content in zip(names, (record, later)):
        write_json(name, content)
    setting = {"records": {"mvp_1_2": tuple(names)}, "command": "snakemake --cores 3"}
    facts = of(paths, experiments, **setting).mvp("1.2").reproduction
    assert facts.command == "snakemake --cores 3 results/mvp_1_2/verdict.json"
    assert (facts.seconds, facts.threads, facts.hardware) == (6.5, 2, ("A, 2 usable cores",))
    assert (facts.started, facts.finished) == (record["started"], later["finished"])
    assert facts.configuration == "c1"
    assert facts.code not in (None, "k1", "k2"), "one fingerprint over both jobs"
    assert facts.data is not None
    bare = of(paths, experiments).mvp("1.2").reproduction
    assert (bare.configuration, bare.code, bare.started, bare.hardware) == (None, None, None, ())
    assert bare.seconds == sum(1.5 + k for k in range(len(of(paths, experiments).mvp("1.2").variants)))


def test_further_numbers_of_a_verdict_become_tables(paths, experiments):
    mvp: Mvp = of(paths, experiments).mvp("2.1")
    shown = {t.title: t for t in mvp.tables}
    assert [row[0] for row in shown["Further numbers"].rows] == ["epochs to best", "speed up"]
    assert shown["Further numbers"].rows[1][1].text() == "1.750 [1.250, 2.250]"
    regions = shown["Further numbers: gain in regions"]
    assert regions.columns == ("name", "mae", "n")
    assert [(row[0], row[1].value) for row in regions.rows] == [("sky", 0.125), ("rest", 0.0625)]
    assert [row[1].value for row in shown["Further numbers: curve"].rows] == [0.25, 0.375]
    assert shown["Further numbers: deeper: by crop"].rows[0][1].value == 0.03125


def test_names_follow_the_roadmap_and_count_experiments_of_one_name(paths, experiments):
    mvp = of(paths, experiments).mvp("0.B")
    assert mvp.experiment_id == "VIT-20251222-logg_1m-baseline-scaling-01"
    assert mvp.report == "exp_logg_1m_baseline_scaling_20251222.md"
    twin = {**experiments, "mvp_3_6": experiments["mvp_3_6"].model_copy(update={"name": "baseline_scaling"})}
    second = of(paths, twin).mvp("3.6")
    assert second.experiment_id.endswith("baseline-scaling-02")
    assert second.report == "exp_logg_1m_baseline_scaling_02_20251222.md"


@pytest.mark.parametrize("text", ['{"outcome": "acc', "[1, 2]", "\x00"])
def test_a_damaged_artifact_is_one_error_that_names_the_file(paths, experiments, results, text):
    (results / "mvp_1_3/verdict.json").write_text(text)
    with pytest.raises(InputError, match=r"results/mvp_1_3/verdict\.json"):
        of(paths, experiments)


def test_plain_json_of_the_roadmap_can_be_written(paths, experiments):
    json.dumps(dataclasses.asdict(of(paths, experiments)), default=str)
