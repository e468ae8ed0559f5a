"""Whose results these are: what artifacts state against the configuration."""

import base64

import pytest

from logg1m.files import InputError, write_json
from logg1m.results.origin import MANIFEST, PROTOCOL, Origin

OWN = Origin(5, ("500", "2k"), "embedded")
STORE = {"source": {"kind": "embedded", "seed": 5}}
RULES = {"seed": 5, "scales": {"500": {}, "2k": {}}}


def test_the_artifacts_of_a_configuration_are_its_own():
    OWN.require(STORE, RULES)
    OWN.require(None, None)
    Origin(6, ("500", "2k"), "pfs_hdf5").require({"source": {"kind": "pfs_hdf5"}})  # shards have no seed


@pytest.mark.parametrize(
    ("store", "rules", "said"),
    [
        ({"source": {"kind": "embedded", "seed": 7}}, RULES, r"manifest\.json was made with seed 7.*says 5"),
        ({"source": {"kind": "bosz", "seed": 5}}, RULES, r"manifest\.json was made with source bosz.*says embedded"),
        (STORE, RULES | {"seed": 8}, r"protocol\.json was made with seed 8"),
        (STORE, RULES | {"scales": 3}, r"protocol\.json was made with scales 3, the config.* says 500, 2k"),
        (STORE, RULES | {"scales": [1, None]}, r"protocol\.json was made with scales 1, None, the config"),
        (STORE, RULES | {"scales": {"500": {}}}, r"protocol\.json was made with scales 500, the config.* says 500, 2k"),
    ],
)
def test_other_seeds_scales_and_sources_are_refused_by_name(store, rules, said):
    with pytest.raises(InputError, match=said):
        OWN.require(store, rules)


@pytest.mark.parametrize("odd", [{}, {"source": None}, {"source": [1]}, {"source": {}}])
def test_what_says_nothing_is_no_difference(odd):
    OWN.require(odd, {})


def test_without_records_a_folder_of_another_configuration_is_refused(tmp_path):
    results, records = tmp_path / "results", tmp_path / ".snakemake" / "metadata"
    write_json(results / MANIFEST, STORE)
    write_json(results / PROTOCOL, RULES)
    other = Origin(6, OWN.scales, OWN.source)
    OWN.require_recorded(results, records, looks_at_params=True)
    with pytest.raises(InputError, match=r"--forceall.*--directory"):
        other.require_recorded(results, records, looks_at_params=True)
    records.mkdir(parents=True)
    (records / base64.urlsafe_b64encode(str(results / MANIFEST).encode()).decode()).touch()
    other.require_recorded(results, records, looks_at_params=True)  # Snakemake then makes everything anew
    with pytest.raises(InputError, match="Results of two configurations do not mix"):
        other.require_recorded(results, records, looks_at_params=False)


def test_a_damaged_artifact_is_left_to_who_reads_it(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / MANIFEST).write_text("{")
    OWN.require_recorded(tmp_path, tmp_path / "none", looks_at_params=True)
