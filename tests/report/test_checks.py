"""Sanity checks of every experiment: one seed is a limitation, and a control must be what was foretold."""

import pytest

from logg1m.report.checks import checks
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor


@pytest.mark.parametrize(("seeds", "word"), [((1, 1), "limitation"), ((1, 3), "limitation"), ((3, 3), "holds")])
def test_one_seed_limits_and_does_not_fail(experiments, seeds, word):
    variants = {f"v{k}": {"seeds": n} for k, n in enumerate(seeds)}
    (row,) = checks(experiments["mvp_1_1"], Cursor({"variants": variants}, "v"), Artifacts({}))
    assert row.says == word
    assert row.passed is not False


def test_a_control_must_be_what_was_foretold(experiments):
    check = {"expected": {"at most": 0.1}, "r2_full": -0.25, "passed": True}
    verdict = Cursor({"variants": {"shuffled": {"label": "shuffled labels", "check": check}}}, "v")
    (row,) = checks(experiments["mvp_1_2"], verdict, Artifacts({}))
    assert (row.what, row.found) == ("R² of the control “shuffled labels” on the full test is at most 0.1", "−0.250")
    assert row.says == "holds"
