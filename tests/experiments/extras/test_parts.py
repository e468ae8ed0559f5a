"""What a part brings: the difference between a variant that has it and one that has not."""

from dataclasses import replace

import numpy as np
import pytest
from made_evidence import EXPERIMENT, evidence

from logg1m.experiments.extras import parts

CHANGES = {"plain": {}, "sure": {"model": "projection"}, "masked": {"model": "projection", "basis": "random"},
           "at_random": {"model": "projection", "basis": "random", "components": 16}}  # fmt: skip


def test_a_part_is_the_one_field_that_a_variant_changes_more_and_its_gain_is_paired():
    variants = {
        name: EXPERIMENT.variants[name].model_copy(update={"change": change}) for name, change in CHANGES.items()
    }
    made = replace(evidence(), experiment=EXPERIMENT.model_copy(update={"variants": variants}))
    rows = parts.extra(made)
    assert [(r["whole"], r["instead"], r["variant"]) for r in rows] == [
        ("sure", "basis: random", "masked"), ("masked", "components: 16", "at_random")
    ]  # fmt: skip
    low = {name: made.tests(made.predictions[name][0])["low_noise"] for name in CHANGES}
    mae = {name: np.abs(table["predicted"] - table["truth"]).mean() for name, table in low.items()}
    share = (mae["masked"] - mae["sure"]) / mae["masked"]
    assert rows[0]["low-noise MAE, share"]["value"] == pytest.approx(share)


def test_what_differs_in_nothing_or_in_two_fields_is_no_part():
    assert parts.extra(evidence()) == []  # each changes one field, and is no part of another
