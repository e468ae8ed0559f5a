"""Whose fault an error is; by way of jobs in jobs/test_frame.py, of documents in results/test_artifacts.py."""

import pytest

from logg1m.blame import understood
from logg1m.files import InputError, read_json, write_json


def test_an_artifact_of_another_form_is_one_error_that_names_it(tmp_path):
    path = tmp_path / "proposal.json"
    for content in ({}, {"recipe": 5}, {"recipe": {"model": []}}):
        write_json(path, content)
        with (
            pytest.raises(InputError, match=r"proposal\.json does not hold what its rule writes \(\w+: .*; delete it"),
            understood(path),
        ):
            read_json(path)["recipe"]["model"].lower()
    write_json(path, {"recipe": {"model": "vit"}})
    with understood(path):
        assert read_json(path)["recipe"]["model"].lower() == "vit"
