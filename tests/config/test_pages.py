"""Pages of the documentation say of every key what its model says."""

import re

import pytest

from logg1m.config import Config
from logg1m.config.pages import pages, type_of
from tests.config.test_document import KEYS

PAGES = pages()
ROWS = {
    key: (default, meaning)
    for text in PAGES.values()
    for key, default, meaning in re.findall(r"^\| `([\w.]+)` \| (.*?) \| (.*) \|$", text, flags=re.MULTILINE)
}


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_a_row_with_its_meaning(key):
    field = KEYS[key]
    written = re.sub(r"[^\w ]", "", field.description or "")
    assert key in ROWS, f"no page has {key}"
    assert written in re.sub(r"[^\w ]|&lt;", "", ROWS[key][1].replace("&lt;", "")), ROWS[key]


def test_there_is_no_row_that_is_no_key():
    assert set(ROWS) == set(KEYS)


def test_defaults_and_ranges_are_those_of_the_models():
    assert ROWS["data.n_spectra"][0] == f"`{Config().data.n_spectra}`"
    assert "≥ 10; ≤ 2,147,483,648" in ROWS["data.n_spectra"][1]
    assert "One of `embedded`, `pfs_hdf5`, `bosz`" in ROWS["data.source"][1]
    assert ROWS["data.bosz.folder"][0] == "needed"


def test_every_section_has_a_page_that_the_index_names():
    for name in set(PAGES) - {"index.md"}:
        assert f"({name}): {(type_of(name[:-3]).__doc__ or '').splitlines()[0]}" in PAGES["index.md"]
