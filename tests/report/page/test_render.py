"""The page: every number traced to its artifact, every state honest, nothing but text from data, nothing from the network."""

import base64
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from seen import Seen, rounding, told

from logg1m.config.decisions import Decisions
from logg1m.decisions import gates
from logg1m.files import InputError, read_json, write_json
from logg1m.report.collect import Context, collect
from logg1m.report.page import render
from logg1m.report.page.pictures import Packing
from logg1m.results.artifacts import at

LARGEST = 8_000_000  # bytes, at full scale


def rendered(paths: list[Path], experiments: Any, **setting: Any) -> str:
    return render.render(collect(paths, experiments, Context(**setting)), experiments)


@pytest.fixture
def text(paths, experiments) -> str:
    return rendered(paths, experiments)


def found_in(source: str, part: str) -> float:
    """What stands at the place that a number names."""
    file, _, path = source.partition("#/")
    if file.endswith(".csv"):
        column, _, row = path.rpartition("/")
        return float(pd.read_csv(file)[column][int(row)])
    there = at(read_json(file), path)
    if isinstance(there, dict):
        there = {"value": there["value"], "low": there["ci95"][0], "high": there["ci95"][1]}[part]
    return float(there)


@pytest.mark.slow
def test_every_number_on_the_page_stands_in_the_artifact_that_it_names(text):
    data = Seen(text).data
    assert len(data) > 1000
    for attributes, words in data:
        value = float(attributes["value"])
        assert value == found_in(attributes["data-from"], attributes.get("data-part", "value")), attributes
        significant = 5.001e-3 * abs(value)  # three significant digits, far from one
        assert abs(told(words) - value) <= max(rounding(words), significant * ("e" in words)), (attributes, words)


def test_no_measured_number_stands_on_the_page_without_its_origin(text, experiments):
    said = " ".join(Seen(text).words)
    known = [w for e in experiments.values() for w in (e.title, e.question, e.hypothesis.text, f"MVP-{e.id}", e.id)]
    known += [v.label for e in experiments.values() for v in e.variants.values()]
    known += [(e.acceptance or e.artifact).text for e in experiments.values()]
    for words in sorted(filter(None, known), key=len, reverse=True):
        said = said.replace(words, "")
    said = re.sub(r"(H|MVP-)\d\.\w|\d\.[\dAB] [A-Z]", "", said)
    flips = [d.flips for d in collect(sorted(Path("results").rglob("*.json")), experiments, Context()).decisions]
    for words in flips:
        said = said.replace(words, "")
    said = re.sub(r"−?\d[\d.]* to −?\d[\d.]*", "", said)  # bins, whose edges stand in one cell
    said = said.replace("0.6745", "")  # the median of a half-normal, in the name of a curve
    assert re.findall(r".{9}\d+\.\d+", said) == []


def expected_of(pattern: str) -> list[Any]:
    """The values that a pattern of a figure leads to."""
    file, _, path = pattern.partition("#")
    if file.endswith(".csv"):
        return pd.read_csv(file)[path].tolist()
    values: list[Any] = [read_json(file)]
    for key in path.strip("/").split("/"):
        nested = [v.values() if isinstance(v, dict) else v for v in values] if key == "*" else []
        values = [w for v in nested for w in v] if key == "*" else [at(v, key) for v in values]
    return values


def made(values: list[Any], how: str) -> list[Any]:
    """What a figure makes of the values at their place before it draws them."""
    return [np.log10(v) for v in values] if how == "log10" else values


def in_order(shown: list[Any], there: list[Any]) -> bool:
    """Whether the values stand there in the order in which they are drawn."""
    rest = iter(there)
    return all(
        any(v == w or (isinstance(v, float) and v == pytest.approx(w)) for w in rest) for v in shown if v is not None
    )


@pytest.mark.slow
def test_every_value_of_every_figure_stands_in_the_artifact_that_it_names(text):
    figures = json.loads(Seen(text).scripts["figure-data"])
    assert {"r2-against-snr", "scaling", "mvp_0_a-snr_histogram", "mvp_0_b-ridge_alpha", "mvp_1_1-sigma_vs_error", "mvp_1_1-ratio_histogram",
            "mvp_1_1-sigma_map", "mvp_1_1-fisher_sensitivity_map", "mvp_1_1-magnitude_sweep", "convergence"} <= set(figures)  # fmt: skip
    checked = ends = 0
    for name, figure in figures.items():
        for trace in figure["data"]:
            meta = trace["meta"]
            sources = {axis: meta[axis] for axis in ("x", "y", "z") if axis in meta}
            assert sources, name
            for axis, source in sources.items():
                shown = trace[axis]
                if isinstance(shown, dict):  # packed
                    continue
                shown = [v for row in shown for v in row] if axis == "z" else shown
                there = [v for v in expected_of(source) if v is not None and v == v]
                if meta.get(f"{axis}_how") == "centre":
                    upper = expected_of(source.removesuffix("low") + "high")
                    there = [(low + high) / 2 for low, high in zip(there, upper)]
                assert shown, (name, axis)
                assert in_order(shown, made(there, meta.get(f"{axis}_how", ""))), (name, axis, source)
                checked += len(shown)
            for end, array, sign in (("low", "arrayminus", -1), ("high", "array", 1)):
                if end in meta:
                    bars = trace["error_y"][array]
                    drawn = [y + sign * e for y, e in zip(trace["y"], bars) if y is not None and e is not None]
                    assert in_order(drawn, [v for v in expected_of(meta[end]) if v is not None]), (name, end)
                    ends += len(drawn)
    assert checked > 300
    assert ends > 50


NUMBER = re.compile(r"(?<![\w.])−?\d[\d,]*(?:\.\d+)?(?:e[-−+]?\d+)?(?![\w.]*\w)")


def numbers_of(value: Any) -> set[float]:
    """Every number of a JSON value, also those in its sentences."""
    if isinstance(value, dict):
        return {n for part in value.values() for n in numbers_of(part)} | {float(len(value))}
    if isinstance(value, list):
        return {n for part in value for n in numbers_of(part)}
    if isinstance(value, str):
        return {float(n) for n in re.findall(r"\d+(?:\.\d+)?", value)}
    return {abs(float(value))} if isinstance(value, int | float) and not isinstance(value, bool) else set()


def sentences(part: str) -> list[str]:
    return [html.unescape(s) for s in re.findall(r'<span data-text="\w+">(.*?)</span>', part, re.S)]


def test_numbers_in_sentences_stand_in_the_artifacts_of_their_experiment(text, experiments):
    checked = 0
    for key, experiment in experiments.items():
        known = numbers_of(json.loads(experiment.model_dump_json()))
        known |= numbers_of(read_json("results/confirmation/confirmation.json"))
        for file in {*Path(f"results/{key}").glob("*.json"), *Path("results").glob(f"{key}/*/seed_0/metrics.json")}:
            known |= numbers_of(read_json(file))
        borrowed = {v.same_as for v in experiment.variants.values() if v.same_as}
        for folder in borrowed:
            known |= numbers_of(read_json(f"results/{folder}/seed_0/metrics.json"))
        for sentence in sentences(part_of(text, key)):
            for token in NUMBER.findall(sentence.replace("10–90 %", "").replace("in 80 % of", "")):
                value = abs(told(token))
                near = rounding(token)
                found = any(abs(value - n) <= near or abs(value - 100 * n) <= near for n in known)
                few = (
                    value == int(value) and value <= 12 and "." not in token
                )  # counts of candidates, shares of a sentence
                assert found or few, (key, token, sentence)
                checked += 1
    assert checked > 100


def test_the_answer_comes_first_and_is_the_one_that_was_collected(text, paths, experiments):
    answer = collect(paths, experiments, Context()).answer
    start = text[text.index('id="answer"') : text.index('id="roadmap"')]
    data = Seen(start).data
    headline = [answer.paired_rmse, answer.ceiling_rmse, answer.paired, answer.ceiling]
    assert [float(d["value"]) for d, _ in data[:4]] == [number.value for number in headline]
    places = {d["data-from"].split("#/")[1].rpartition("/same_stars/")[0] for d, _ in data[:4]}
    assert len(places) == 1, "model and ceiling are of the same stars"
    facts = " ".join(html.unescape(re.sub(r"<[^>]*>", "", start[start.index('<dl class="facts">') :])).split())
    assert "Error of the best model, same stars0.375" in facts, "what stands beside the optimum is of its stars"
    assert re.search(r"on 52 low-noise test spectra: RMSE 0\.\d+ .*? dex, MAE 0\.", facts)
    assert "on 51 low-noise test spectra with an exact posterior: MAE 0.250" in facts
    for number in (answer.gap, answer.gap_rmse, answer.best, answer.best_rmse, answer.best_mae, answer.observed):
        assert {float(d["value"]) for d, _ in data} >= {number.value, number.low, number.high}
    for ground in answer.decided:
        assert ground.text in html.unescape(start)
    assert answer.model in start
    assert answer.confirmed in html.unescape(start)
    assert f"{answer.n_chosen_on} low-noise validation stars" in start
    assert f"{answer.n_models} honest models" in start
    assert f"{answer.n_test:,} low-noise test spectra" in start
    assert text.index('id="answer"') < text.index("<nav") or text.index('id="answer"') > text.index("<main")


def test_every_link_leads_to_a_part_of_the_page(text, experiments):
    seen = Seen(text)
    assert len(seen.ids) == len(set(seen.ids))
    assert {*experiments, "d1", "d2", "d3", "d4"} <= set(seen.ids)
    inside = [link[1:] for link in seen.links if link.startswith("#")]
    assert set(inside) <= set(seen.ids)
    files = [link for link in seen.links if not link.startswith("#")]
    assert len(files) > 100
    for link in files:  # the page lies in results/report
        assert Path("results/report", link).resolve().is_file(), link
    graph = text[text.index("<svg") : text.index("</svg>")]
    assert {link[1:] for link in Seen(graph).links} == {*experiments, "d1", "d2", "d3", "d4"}


def test_the_page_asks_the_network_for_nothing_and_stays_small(text):
    assert all(source.startswith("data:") for source in Seen(text).loaded)
    assert "default-src 'none'" in text
    assert not re.search(r"@import|url\(", render.PAGE.joinpath("page.css").read_text())
    assert len(text.encode()) < 0.6 * LARGEST  # a tenth of the variants of a full run


@pytest.mark.slow
def test_the_same_artifacts_give_the_same_page(text, paths, experiments):
    assert rendered(paths, experiments) == text


def part_of(text: str, key: str) -> str:
    start = text.index(f'id="{key}"')
    return text[start : text.index("</article>", start)]


def test_what_a_decision_cancels_is_shown_as_cancelled_and_says_why(paths, experiments):
    stop = gates.d1(read_json("results/mvp_1_1/fisher.json"), Decisions(override={"d1": "stop"}))
    write_json("results/decisions/d1.evidence.json", stop)
    write_json("results/decisions/d1.json", gates.outcome(stop))
    text = rendered(paths, experiments)
    for key, experiment in experiments.items():
        cancelled = 'chip cancelled">cancelled' in part_of(text, key)
        assert cancelled == (experiment.phase > 1)
        if cancelled:
            assert "D1 = stop (by override; the rule says continue; RMSE over the Bayes-optimal RMSE" in part_of(
                text, key
            )
            assert "near the bound" not in part_of(text, key)
            assert "<table" not in part_of(text, key)
    flow = part_of(text, "d1")
    assert 'class="taken"><b>stop' in flow
    assert 'class="left"><b>continue' in flow
    assert "stop" in re.search(r"Override</dt><dd>(\w+)", flow)[0]


def test_a_leak_stands_above_the_headline_and_among_the_failed_checks(paths, experiments):
    row = {"model": "ridge", "efficiency": {"value": 1.5, "ci95": [1.25, 1.75]}, "meaning": "look for a leak"}
    content = read_json("results/mvp_1_1/fisher.json")
    write_json("results/mvp_1_1/fisher.json", content | {"leaks": [row]})
    text = rendered(paths, experiments)
    assert text.index('role="alert"') < text.index("<h1")
    assert "Ridge is better than any estimator can be: its efficiency is 1.50 [1.25, 1.75]" in text
    part = part_of(text, "mvp_1_1")
    assert 'class="state failed">fails</span><span data-text="check">Ridge is no better than any estimator' in part


def test_both_tests_show_all_six_metrics_and_bins_follow(text):
    part = part_of(text, "mvp_1_3")
    for title in ("Low-noise test", "Full test"):
        caption = f"<caption>{title}; MAE, RMSE"
        table = part[part.index(caption) : part.index("</table>", part.index(caption))]
        columns = [re.sub("<[^>]*>", "", name) for name in re.findall(r'<th scope="col">(.*?)</th>', table)]
        assert columns[1:7] == ["R²", "MAE", "RMSE", "NMAD", "Median bias", "Outliers"]
        first = table[table.index("<tbody>") : table.index("</tr>", table.index("<tbody>"))]
        assert first.count('data-part="value"') == 6 + 2 * ("Efficiency" in columns)  # and the excess
    assert "Full test in bins of ‖flux‖/‖error‖" in part
    assert "RMSE" in part_of(text, "mvp_0_b")


def test_one_table_has_every_variant_and_every_experiment_its_own(text, paths, experiments):
    start = text.index('id="variants"')
    table = text[start : text.index("</table>", start)]
    mvps = collect(paths, experiments, Context()).mvps
    assert Seen(table).links == [f"#{m.key}" for m in mvps for _ in m.variants]
    for mvp in mvps:
        assert (f'aria-label="Variants of MVP-{mvp.id}"' in text) == bool(mvp.variants)


def test_a_run_with_few_test_stars_says_that_it_concludes_nothing(text, paths, experiments, monkeypatch):
    assert "cannot carry a conclusion: it was tested on 52 low-noise stars" in text
    monkeypatch.setattr("logg1m.report.answer.FEWEST", 52)
    assert "cannot carry a conclusion" not in rendered(paths, experiments)


@pytest.mark.slow
def test_pictures_shrink_until_the_page_is_small_enough(paths, experiments):
    rng = np.random.default_rng(0)
    busy = Image.fromarray(rng.integers(0, 255, (700, 1200, 3), dtype=np.uint8))
    pictures = [
        p for p in paths if p.suffix == ".png" and p.parent.name >= "mvp_1_2"
    ]  # of those before, the page has plots
    for path in pictures[:12]:
        busy.save(path)
    roadmap = collect(paths, experiments, Context())
    sizes = []

    def draw(packing: Packing) -> str:
        text = render.render(roadmap, experiments, packing=packing)
        sizes.append(len(text.encode()))
        return text

    text = render.within(render.LARGEST, draw)
    assert sizes[0] > render.LARGEST, "else the test shows nothing"
    assert len(text.encode()) == sizes[-1] < render.LARGEST


@pytest.mark.slow
def test_paused_and_missing_and_unmade_have_honest_rows(paths, experiments):
    Path("results/mvp_1_3/verdict.json").unlink()
    text = rendered(paths, experiments, paused=("1.2",))
    assert 'chip paused">paused' in part_of(text, "mvp_1_2")
    assert 'chip missing">missing' in part_of(text, "mvp_1_3")
    assert "verdict.json is gone" in part_of(text, "mvp_1_3")
    kanban = text[text.index('id="kanban"') : text.index('id="figures"')]
    assert re.search(r'class="state missing">missing</span> <span class="muted">1<', kanban)


def test_once_all_is_done_nothing_is_listed_as_open(text):
    assert 'id="kanban"' not in text


@pytest.mark.slow
def test_bounds_say_over_how_many_labels_they_are(paths, experiments):
    assert "5-D" in Seen(rendered(paths, experiments)).scripts["figure-data"]
    four = "4-D: log g, Teff, [M/H], [α/M]; [C/M] the same for all spectra"
    fisher, sweep = (read_json(f"results/mvp_1_1/{name}.json") for name in ("fisher", "magnitude_sweep"))
    fisher["label_sets"] = {"5d": {"named": four}}
    for row in sweep["rows"]:
        row["named"] = four if row["set"] == "5d" else "3-D: log g, Teff, [M/H]"
    write_json("results/mvp_1_1/fisher.json", fisher)
    write_json("results/mvp_1_1/magnitude_sweep.json", sweep)
    shown = Seen(rendered(paths, experiments)).scripts["figure-data"]
    assert "5-D" not in shown
    for words in ("σ 4-D, ", "σ(log g), 4-D bound of the same spectrum", "median σ(log g), 4-D, dex"):
        assert words in shown
    assert "4-D bound." in rendered(paths, experiments)


def test_without_artifacts_the_page_says_that_nothing_has_been_scored(experiments):
    text = rendered([], experiments)
    assert "No model has been scored yet" in text
    assert Seen(text).data == []
    assert all(f'id="{key}"' in text for key in experiments)


@pytest.mark.slow
def test_markup_from_data_and_configuration_is_shown_as_text(paths, experiments):
    evil = '<script>alert(1)</script><b title="x">&'
    verdict = read_json("results/mvp_1_2/verdict.json")
    for entry in verdict["variants"].values():
        entry["label"] = evil
    verdict["reason"] = evil
    write_json("results/mvp_1_2/verdict.json", verdict)
    first = experiments["mvp_0_a"].model_copy(update={"title": evil, "question": evil})
    text = render.render(collect(paths, experiments, Context()), {**experiments, "mvp_0_a": first})
    text += rendered(paths, {**experiments, "mvp_0_a": first})
    assert "<script>alert" not in text
    assert '<b title="x">' not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;b title=&#34;x&#34;&gt;&amp;" in text
    figures = json.loads(Seen(text).scripts["figure-data"])
    names = [trace["name"] for figure in figures.values() for trace in figure["data"] if "name" in trace]
    assert any("alert" in name for name in names)
    assert not any("<" in name for name in names)


def test_what_no_observer_has_never_counts(text):
    low_noise = part_of(text, "mvp_1_2").split("</table>")[0]
    rows = re.findall(r"<tr class=\"control\">.*?</tr>", low_noise, re.S)
    leaky = [row for row in rows if ">sees what no observer has</span>" in row]
    assert len(leaky) >= 3
    assert all("does not count" in row and 'class="state accepted"' not in row for row in rows)


def test_a_verdict_on_another_question_is_stale_and_shows_no_numbers(paths, experiments):
    verdict = read_json("results/mvp_1_4/verdict.json")
    write_json("results/mvp_1_4/verdict.json", verdict | {"question": "another"})
    part = part_of(rendered(paths, experiments), "mvp_1_4")
    assert 'chip stale">stale' in part
    assert "the question has changed since the verdict" in part
    assert Seen(part).data == []


def test_a_picture_keeps_its_pixels_and_a_broken_one_is_refused_by_name(text, paths, experiments):
    seen = [source for source in Seen(text).loaded if source.startswith("data:image")]
    assert seen
    for source in seen:
        with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as picture:
            assert np.asarray(picture).tolist() == np.full((4, 8, 3), (200, 80, 40)).tolist()
    Path("results/mvp_1_3/normalization_examples.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"normalization_examples\.png"):
        rendered(paths, experiments)
