"""How often verdicts err where nothing differs, how often intervals hold the truth, and whether the power is what is said.

A few experiments here; the study itself is a nightly test.
"""

from null_comparisons import Setting, study


def test_null_comparisons_are_seldom_accepted_and_their_intervals_hold_the_truth():
    found = study(Setting(candidates=3, seeds=1, n=300), 120)
    assert found.accepted <= 0.05 + 3 * found.error
    assert 0.93 - 3 * found.errors <= found.covered <= 0.97 + 3 * found.errors


def test_a_true_gain_of_the_detectable_size_is_accepted_about_as_often_as_is_said():
    setting = Setting(candidates=1, seeds=1, n=300)
    gain = study(setting, 20).detectable
    found = study(Setting(candidates=1, seeds=1, n=300, gain=gain), 150)
    assert 0.67 < found.seen < 0.93  # 80 %, four standard errors
