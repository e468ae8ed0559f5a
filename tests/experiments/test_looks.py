"""How many configurations have looked at a set of stars: each counts once, whatever is run again."""

from logg1m.experiments import looks


def test_a_configuration_counts_once_and_those_of_earlier_runs_are_remembered(tmp_path):
    assert looks.count(tmp_path, "set", {"a": "1", "b": "2"}) == {"now": 2, "ever": 2}
    assert looks.count(tmp_path, "set", {"a": "1", "b": "2"}) == {"now": 2, "ever": 2}
    assert looks.count(tmp_path, "set", {"a": "3"}) == {"now": 1, "ever": 3}
    assert looks.count(tmp_path, "another set", {"a": "3"}) == {"now": 1, "ever": 1}
    assert looks.count(tmp_path, "set", {}) == {"now": 0, "ever": 3}


def test_another_recipe_or_another_model_is_another_configuration(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"weights")
    two.write_bytes(b"other weights")
    prints = [
        looks.fingerprint({"mask": mask}, models)
        for mask in ("none", "error_1")
        for models in ([one], [two], [one, two])
    ]
    assert len(set(prints)) == 6
    assert looks.fingerprint({"b": 1, "a": 2}, [one]) == looks.fingerprint({"a": 2, "b": 1}, [one])
