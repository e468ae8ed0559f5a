"""The page in a real browser: quiet, self-contained, usable by mouse, keyboard, phone, screen reader and on paper."""

import json

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PHONE = {"viewport": {"width": 390, "height": 844}}
LINES = "e => e.data.map(t => t.visible !== false)"


def plot(tab, key):
    element = tab.query_selector(f"[data-plot='{key}']")
    element.scroll_into_view_if_needed()
    tab.wait_for_function("e => e.dataset.drawn && e.querySelector('.main-svg')", arg=element)
    return element


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_complains_of_nothing_and_asks_for_nothing(open_page, page_file, scheme):
    opened = open_page(color_scheme=scheme)
    opened.scroll_through()
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("data:", "blob:"))] == [page_file.as_uri()]


def test_every_box_of_the_graph_leads_to_its_part(open_page):
    tab = open_page().tab
    links = tab.query_selector_all(".graph svg a")
    assert len(links) == 21
    for link in links:
        target = link.get_attribute("href")[1:]
        name = link.get_attribute("aria-label")
        link.click()
        tab.wait_for_function(
            "id => Math.abs(document.getElementById(id).getBoundingClientRect().top) < 300", arg=target
        )
        heading = tab.text_content(f"#{target} h3")
        assert heading.startswith(target.upper()) if target[0] == "d" else heading in name


def test_every_state_has_its_face(open_page):
    tab = open_page().tab
    for key, state in (
        ("3_5", "cancelled"),
        ("3_4", "paused"),
        ("3_2", "stale"),
        ("3_3", "missing"),
        ("1_2", "better"),
    ):
        assert tab.text_content(f"#mvp_{key} .chips .state") == state
    assert "is better than any estimator can be" in tab.text_content("[role=alert]")


def test_links_of_the_graph_follow_the_enter_key(open_page):
    tab = open_page().tab
    tab.focus(".graph svg a[href='#mvp_1_2']")
    tab.keyboard.press("Enter")
    assert tab.evaluate("location.hash") == "#mvp_1_2"
    tab.wait_for_function("() => Math.abs(document.getElementById('mvp_1_2').getBoundingClientRect().top) < 300")


def test_numbers_tell_their_source_to_keys_and_touch(open_page):
    tab = open_page().tab
    assert not tab.is_visible("#source")
    tab.click("#sources")
    assert tab.get_attribute("#sources", "aria-pressed") == "true"
    number = tab.query_selector("#answer h1 data")
    number.focus()
    told = tab.text_content("#source")
    assert "metrics.json#/efficiency/same_stars/model/rmse" in told  # on the stars of the ceiling beside it
    tab.evaluate("() => { for (const d of document.querySelectorAll('#mvp_1_1 details')) d.open = true; }")
    tab.query_selector("#mvp_1_1 table data").click()
    assert "results/mvp_1_1/" in tab.text_content("#source")
    tab.click("#sources")
    assert not tab.is_visible("#source")
    assert number.get_attribute("tabindex") is None


def test_the_axis_follows_what_is_switched_on(open_page):
    tab = open_page().tab
    figure = plot(tab, "r2-against-snr")
    lowest = "e => Math.min(0, ...e.data.filter(t => t.visible !== false).flatMap(t => t.y).filter(v => v !== null))"
    floor = "e => e.layout.yaxis.range[0]"
    tab.evaluate("() => { for (const d of document.querySelectorAll('#fig-r2-against-snr details')) d.open = true; }")
    box = tab.query_selector("#fig-r2-against-snr input[type=checkbox]:not(:checked)")
    box.evaluate("b => b.click()")
    assert figure.evaluate(floor) == pytest.approx(max(-1, figure.evaluate(lowest) - 0.05))


def test_a_switch_takes_its_curve_out_and_puts_it_back(open_page):
    tab = open_page().tab
    figure = plot(tab, "r2-against-snr")
    before = figure.evaluate(LINES)
    boxes = tab.query_selector_all("#fig-r2-against-snr input[type=checkbox]")
    assert len(boxes) == len(before)
    assert [box.is_checked() for box in boxes] == before
    curves = len(figure.query_selector_all(".scatterlayer .trace"))
    first = before.index(True)
    boxes[first].click()
    assert figure.evaluate(LINES) == [on and k != first for k, on in enumerate(before)]
    assert len(figure.query_selector_all(".scatterlayer .trace")) == curves - 1
    boxes[first].focus()
    tab.keyboard.press("Space")
    assert figure.evaluate(LINES) == before


def test_switches_survive_a_change_of_face(open_page):
    tab = open_page().tab
    figure = plot(tab, "r2-against-snr")
    tab.click("#fig-r2-against-snr input[type=checkbox]")
    before = figure.evaluate(LINES)
    colours = figure.evaluate("e => e.layout.font.color")
    tab.click("#face")
    assert tab.evaluate("document.documentElement.dataset.face") == "dark"
    assert figure.evaluate(LINES) == before
    assert figure.evaluate("e => e.layout.font.color") != colours


def test_tables_sort_by_value_in_both_directions(open_page):
    tab = open_page().tab
    table = "#mvp_1_2 table.sortable"
    heading = tab.query_selector_all(f"{table} thead tr:last-child th button")[1]
    column = "t => [...t.tBodies[0].rows].map(r => parseFloat(r.cells[1].querySelector('data').value))"
    heading.click()
    up = tab.eval_on_selector(table, column)
    assert up == sorted(up)
    assert len(set(up)) > 1
    assert tab.get_attribute(f"{table} thead tr:last-child th:nth-child(2)", "aria-sort") == "ascending"
    heading.press("Enter")
    assert tab.eval_on_selector(table, column) == up[::-1]


def test_the_search_leaves_what_was_asked_for(open_page):
    tab = open_page().tab
    shown = "() => [...document.querySelectorAll('#experiments .mvp')].filter(e => !e.hidden).map(e => e.id)"
    everything = tab.evaluate(shown)
    assert len(everything) == 17
    tab.fill("#filter", "robust spline")
    assert tab.evaluate(shown) == ["mvp_1_3"]
    assert tab.text_content("#filter-says") == "1 of 17 experiments"
    tab.evaluate("document.getElementById('variants').open = true")
    rows = tab.query_selector_all("#variants tbody tr")
    seen = [row.text_content() for row in rows if row.is_visible()]
    assert len(seen) == 1
    assert "robust spline" in seen[0]
    tab.fill("#filter", "")
    tab.select_option("#filter-verdict", "cancelled")
    assert tab.evaluate(shown) == ["mvp_3_5"]
    tab.select_option("#filter-verdict", "")
    assert tab.evaluate(shown) == everything


def test_the_page_is_short_until_it_is_unfolded(open_page):
    tab = open_page(viewport={"width": 1400, "height": 1000}).tab
    assert tab.evaluate("document.documentElement.scrollHeight") <= 20_000
    cut = "() => [...document.querySelectorAll('.scroll')].filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1).length"
    assert tab.evaluate(cut) == 0


def test_the_banner_of_a_small_run_stays_in_view(open_page):
    tab = open_page().tab
    tab.evaluate("scrollTo(0, 5000)")
    tab.wait_for_function("() => scrollY > 4000")
    assert tab.evaluate("document.querySelector('.caution').getBoundingClientRect().top") == 0


def test_the_viewer_follows_its_controls(open_page):
    tab = open_page().tab
    viewer = plot(tab, "viewer")
    spectrum, smoothing, windows, go = tab.query_selector_all("#fig-viewer select")
    first = viewer.evaluate("e => Array.from(e.data[0].y.slice(0, 50))")
    spectrum.select_option("3")
    assert viewer.evaluate("e => Array.from(e.data[0].y.slice(0, 50))") != first
    spread = "e => { const y = Array.from(e.data[0].y); return Math.max(...y) - Math.min(...y); }"
    wide = viewer.evaluate(spread)
    smoothing.select_option("51")
    assert viewer.evaluate(spread) < wide
    shapes = viewer.evaluate("e => e.layout.shapes.length")
    windows.select_option("0")
    assert viewer.evaluate("e => e.layout.shapes.length") == shapes + 1
    go.select_option(label="Ca II 8542")
    low, high = viewer.evaluate("e => e.layout.xaxis.range")
    assert low < 8544.4 < high
    assert high - low == pytest.approx(120)
    tab.click("#fig-viewer button:has-text('Zoom in')")
    low, high = viewer.evaluate("e => e.layout.xaxis.range")
    assert high - low == pytest.approx(60)


def test_the_residual_map_shows_the_chosen_model(open_page):
    tab = open_page().tab
    maps = plot(tab, "residuals")
    largest = "e => Math.max(...e.data[0].z.flat().filter(v => v !== null).map(Math.abs))"
    worse = maps.evaluate(largest)
    tab.query_selector_all("#fig-residuals select")[0].select_option("network")
    assert maps.evaluate(largest) < worse / 2
    tab.click("#fig-residuals summary")
    cells = json.loads(tab.text_content("#residual-data"))["cells"]["network"]["full"]["teff-logg"]["mean"]
    assert len(tab.query_selector_all("#fig-residuals table tbody tr")) == len(cells)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(open_page, width):
    opened = open_page(viewport={"width": width, "height": 844})
    opened.scroll_through()
    for details in opened.tab.query_selector_all("main details"):
        details.evaluate("d => { d.open = true; }")
    assert opened.tab.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_roadmap_is_a_list_of_links(open_page):
    tab = open_page(**PHONE).tab
    assert not tab.is_visible(".graph svg")
    links = [link.get_attribute("href") for link in tab.query_selector_all(".steps a")]
    assert len(links) == 21
    assert all(tab.query_selector(link) for link in links)


def test_the_first_key_leads_past_the_contents(open_page):
    tab = open_page().tab
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, PHONE | {"color_scheme": "dark"}])
def test_axe_finds_nothing_serious(open_page, options):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    opened = open_page(**options)
    opened.scroll_through()
    for details in opened.tab.query_selector_all("details"):
        details.evaluate("d => { d.open = true; }")
    opened.tab.click("#sources")
    response = axe.Axe().run(opened.tab).response
    found = response["violations"]
    assert len(response["passes"]) > 20
    serious = [
        (v["id"], v["nodes"][0]["target"], len(v["nodes"])) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_on_paper_everything_is_open_light_and_drawn(open_page, tmp_path):
    opened = open_page(color_scheme="dark")
    tab = opened.tab
    tab.evaluate(
        """() => window.addEventListener("beforeprint", () => { window.paper = {
            closed: document.querySelectorAll("main .cards details:not([open])").length,
            undrawn: [...document.querySelectorAll("[data-plot]")].filter((e) => !e.querySelector(".main-svg")).length,
            ink: document.querySelector("[data-plot]").layout.font.color }; })"""
    )
    assert len(tab.pdf(path=tmp_path / "page.pdf", format="A4")) > 100_000
    assert tab.evaluate("window.paper") == {"closed": 0, "undrawn": 0, "ink": "#1d2733"}
    tab.emulate_media(media="print")
    assert tab.is_visible(".graph svg"), "the drawing, not the list of a phone"
    assert not tab.is_visible(".steps")
    tab.emulate_media(media="screen")
    assert opened.complaints == []
    assert tab.query_selector_all("main .cards details:not([open])")
