"""The search of the documentation works on pages that were opened from disk, without any network."""

from typing import Any

import pytest
from built_site import build, needs_mkdocs

pytestmark = [pytest.mark.browser, needs_mkdocs]


def test_the_search_finds_names_functions_and_keys_from_disk(browser: Any, tmp_path: Any) -> None:
    site = build(tmp_path / "site")
    page, asked, faults = browser.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url) if request.url.startswith("http") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    found = {}
    for word in ("Satterthwaite", "fisher_information", "n_spectra"):  # a name in brackets, a function, a key
        page.goto(f"file://{site}/index.html")
        page.click(".md-search__input")
        page.type(".md-search__input", word)
        page.wait_for_selector(".md-search-result__item", timeout=60_000)
        found[word] = [link.get_attribute("href") for link in page.query_selector_all(".md-search-result__link")]
    page.close()
    for word, place in zip(found, ("science/verdicts.html", "api/bounds.html", "configuration/data.html")):
        assert any(place in link for link in found[word]), (word, found[word])
    assert not asked
    assert not faults
