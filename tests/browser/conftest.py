"""A page of a finished roadmap, and a browser to open it in; without one these tests are skipped, with REQUIRE_BROWSER they fail."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import made_roadmap
import made_values
import numpy as np
import pandas as pd
import pytest

from logg1m.experiments import catalogue
from logg1m.files import read_json, write_json
from logg1m.report.collect import Context, collect
from logg1m.report.page import render, residuals, viewer
from logg1m.results.numbers import Cursor
from logg1m.spectra.store import Store

PROJECT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory, small_store: Store) -> Path:
    """index.html of a small finished roadmap, with spectra and maps of residuals."""
    experiments = catalogue.load(PROJECT / "config/experiments")
    folder = tmp_path_factory.mktemp("browser")
    results = folder / "results"
    made_roadmap.make(results, experiments)
    made_values.add(results)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        # Every state has a face: one experiment is cancelled, one paused, one stale, one missing, one leaks.
        write_json(results / "decisions/d2.json", {"decision": "d2", "outcome": "full"})
        stale = results / "mvp_3_2/verdict.json"
        write_json(stale, read_json(stale) | {"question": "another"})
        paths = sorted(path.relative_to(folder) for path in results.rglob("*") if path.is_file())
        (results / "mvp_3_3/verdict.json").unlink()
        leak = {"model": "ridge", "efficiency": {"value": 1.5, "ci95": [1.25, 1.75]}, "meaning": "look for a leak"}
        write_json(results / "mvp_1_1/fisher.json", read_json(results / "mvp_1_1/fisher.json") | {"leaks": [leak]})
        roadmap = collect(paths, experiments, Context(paused=("3.4",), identity={"seed": "5"}))
        n = small_store.n_spectra
        snr = np.linspace(1, 8, n)
        members = pd.DataFrame({"snr": snr, "low_noise": snr > 6, "pool": "test", "rank": np.arange(n)})
        pixels = pd.DataFrame({"wave": small_store.wave, "error_mean": np.linspace(0.1, 2, len(small_store.wave))})
        windows = {"lines": {"label": "lines", "windows": [{"vacuum": 8500.0, "half_width": 20.0, "status": "used"}]}}
        spectra = viewer.viewer(small_store, members, pixels, pd.DataFrame(), Cursor(windows, "v"), 5, 1.0)
        logg = small_store.labels()["logg"]
        tables = {
            name: pd.DataFrame({"id": np.arange(n), "truth": logg, "predicted": 3 + share * (logg - 3)})
            for name, share in (("ridge", 0.5), ("network", 0.9))
        }
        maps = residuals.maps(tables, small_store.labels(), members)
        text = render.render(roadmap, experiments, spectra, maps, ("results/data/manifest.json",), ("ridge.parquet",))
    path = folder / "index.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        assert not os.environ.get("REQUIRE_BROWSER"), (
            f"a browser was to run here: none of {', '.join(BROWSERS)} is installed"
        )
        pytest.skip("no browser: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield running
        running.close()


class Opened:
    """The page in a window, with all that it complained of and asked for."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        self.tab = self.context.new_page()
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.tab.on("console", lambda message: self.complaints.append(message.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(path.as_uri())
        self.tab.wait_for_selector("html[data-library=ready]")

    def scroll_through(self) -> None:
        """Until every figure has been drawn."""
        self.tab.evaluate("() => { for (const d of document.querySelectorAll('main details')) d.open = true; }")
        for element in self.tab.query_selector_all("[data-plot]"):
            element.scroll_into_view_if_needed()
            self.tab.wait_for_function("e => e.dataset.drawn && e.querySelector('.main-svg')", arg=element)


@pytest.fixture
def open_page(browser: Any, page_file: Path) -> Iterator[Any]:
    """A function that opens the page in a fresh window of a size and colour scheme."""
    opened: list[Opened] = []

    def open_it(**options: Any) -> Opened:
        opened.append(Opened(browser, page_file, **options))
        return opened[-1]

    yield open_it
    for one in opened:
        one.context.close()
