import pytest


def test_every_variant_test_and_metric_is_a_row_with_its_interval(draw, verdict):
    values = draw("comparison", verdict=verdict).set_index(["variant", "subset", "metric"])
    assert len(values) == len(verdict["variants"]) * 4
    for (name, subset, metric), row in values.iterrows():
        shown = verdict["variants"][name]["metrics"][subset][metric]
        assert [row["value"], row["low"], row["high"]] == pytest.approx([shown["value"], *shown["ci95"]])


def test_the_title_says_words(draw, pictures, verdict):
    draw("comparison", verdict=verdict)
    assert pictures[0].get_suptitle() == "MVP-3.9 (ViT): Made"
