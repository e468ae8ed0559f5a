"""MVP-0.A told: pools that share spectra fail, and the verdict says where low noise begins."""

import pytest

from logg1m.report.foundations import protocol
from logg1m.results.artifacts import Artifacts
from logg1m.results.numbers import Cursor


@pytest.mark.parametrize(("n_test", "first", "word"), [(20, 90, "holds"), (21, 90, "fails"), (20, 1, "fails")])
def test_pools_must_be_disjoint(n_test, first, word):
    pools = {"n_train": 80, "n_test": n_test, "first_train_ids": [1, 2], "first_test_ids": [first]}
    content = Cursor({"n_spectra": 100, "pools": pools, "low_noise": {"n_test": 4}}, "f.json")
    (check,) = protocol.checks(content, Artifacts({}))
    assert (check.says, check.found) == (word, f"80 and {n_test} of 100 spectra")
    assert protocol.tested(content) == (n_test, 4)


def test_the_verdict_says_where_low_noise_begins():
    content = {"n_spectra": 1000, "low_noise": {"threshold": 4.25, "fraction": 0.2}, "reproduced_from_this_file": False}
    assert protocol.why(Cursor(content, "f.json")) == (
        "Low noise is ‖flux‖/‖error‖ of at least 4.25, the top 20 % of 1,000 spectra; from the protocol file alone other "
        "spectra are selected."
    )
    assert protocol.why(Cursor({}, "f.json")) == ""
