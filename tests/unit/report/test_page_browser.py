"""The page in a real browser: curves are drawn, a backend is hidden everywhere, themes, phones and paper."""

from __future__ import annotations

import base64
import time

import pytest
from selenium.webdriver import ActionChains, Keys

from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.report.page.render import write_report
from gan_rosetta.shared.report.page.sweep_page import sweep_page
from tests.browser import headless_chromium
from tests.unit.report.recorded import record_gan
from tests.unit.sweeps.tables import RATE, table_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("report-browser")]

GANS = ("gaussian-1d", "linear-2d", "sine", "mnist-wgan-gp")
NUM_FIGURES = (
    3 + 1 + 2 + 2 + 2 + 2 + 2
)  # Losses, then samples: one for 1D, one a run for 2D and curves; digits are images.
HOSTILE = "<img src=x onerror=\"document.title='run'\">"
SECONDS_TO_WAIT = 30
DRAWN = "return [...document.querySelectorAll('.plot')].filter(plot => plot.querySelector('{}')).length"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    for name in GANS:
        record_gan(root, find_gan(name), num_steps=300, horizon=200, failures={"mxnet": HOSTILE})
    return write_report(root).as_uri()


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium that reaches nothing but files."""
    with headless_chromium() as driver:
        yield driver


@pytest.fixture
def opened(chromium, page):
    """Opens the page on a screen of so many pixels across, in a theme, and waits until it is drawn."""

    def show(*, width=1280, theme="light"):
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        set_theme(chromium, theme)
        chromium.get(page)
        wait_for(lambda: chromium.execute_script("return document.documentElement.dataset.drawn"), "the figures")
        return chromium

    yield show
    messages = [entry for entry in chromium.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert messages == []


def set_theme(browser, theme):
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})


def wait_for(condition, what):
    end = time.monotonic() + SECONDS_TO_WAIT
    while not condition():
        assert time.monotonic() < end, f"waited {SECONDS_TO_WAIT} s for {what}"
        time.sleep(0.05)


# The reference's curves are drawn in the colour of text; the others' colours are the same in both themes.
INKS = {"light": "rgb(0, 0, 0)", "dark": "rgb(242, 242, 242)"}
STROKES = "[...document.querySelectorAll('.plot .lines path.js-line')].map(line => getComputedStyle(line).stroke)"


def drawn_theme(browser):
    """The theme that the curves are drawn in; None where it is none or both."""
    strokes = browser.execute_script(f"return {STROKES}")
    found = [theme for theme, ink in INKS.items() if ink in strokes]
    return found[0] if len(found) == 1 else None


@pytest.mark.parametrize("width", [1280, 390])
def test_all_curves_are_drawn_and_nothing_is_wider_than_the_screen(opened, width):
    browser = opened(width=width)
    assert browser.execute_script(DRAWN.format(".scatterlayer path")) == NUM_FIGURES
    assert browser.execute_script("return document.documentElement.dataset.drawn") == str(NUM_FIGURES)
    widest = (
        "return Math.max(...[...document.querySelectorAll('.plot svg, img')].map(e => e.getBoundingClientRect().right))"
    )
    assert browser.execute_script(widest) <= width
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    images = browser.execute_script("return [...document.images].map(image => image.naturalWidth)")
    assert len(images) == 3
    assert min(images) >= 8 * 28


def test_what_was_written_into_a_record_does_not_run(opened):
    browser = opened()
    assert HOSTILE in browser.find_element("css selector", "main").text
    assert browser.title.startswith("gan-rosetta")
    assert browser.execute_script("return document.querySelectorAll('img[src=x]').length") == 0


def test_a_hidden_backend_is_hidden_everywhere_in_its_gan(opened):
    browser = opened()
    count = """
        const shown = plot => plot.data.some(trace => trace.meta.run === 'torch' && trace.visible);
        return [...document.querySelectorAll('section')].map(
            section => [...section.querySelectorAll('figure:not(.hidden) .plot')].filter(shown).length)"""
    curves = "return document.querySelectorAll('#gan-1 .scatterlayer .trace').length"
    before, curves_before = browser.execute_script(count), browser.execute_script(curves)
    assert before == [4, 3, 3, 2]
    box = browser.find_element("css selector", "#gan-1 input[data-run=torch]")
    box.click()
    assert browser.execute_script(count) == [4, 0, 3, 2]
    wait_for(lambda: browser.execute_script(curves) < curves_before, "curves to go")
    box.click()
    assert browser.execute_script(count) == before
    wait_for(lambda: browser.execute_script(curves) == curves_before, "curves to come back")


def move(browser, section, position):
    """Move a GAN's slider as a hand does, to one of its positions."""
    slider = browser.find_element("css selector", f"#{section} input.moment")
    key = Keys.LEFT if int(slider.get_property("value")) > position else Keys.RIGHT
    while int(slider.get_property("value")) != position:
        slider.send_keys(key)


TRACES = """return [...document.querySelectorAll(`#${arguments[0]} .figures[data-moments] .plot`)]
    .map(plot => plot._fullData.filter(trace => trace.visible && trace.meta.run)
        .map(trace => Math.max(...Array.from(trace.y).filter(Number.isFinite))))"""
PICTURES = "return [...document.querySelectorAll(`#${arguments[0]} figure:not([data-run='']) img`)].map(i => i.src)"


def test_a_slider_moves_all_backends_of_its_gan_and_no_other(opened):
    browser = opened()
    other = browser.execute_script(TRACES, "gan-1")
    end = browser.execute_script(TRACES, "gan-0")
    assert end[0][0] > 0.9
    move(browser, "gan-0", 0)
    wait_for(lambda: browser.execute_script(TRACES, "gan-0") == [[0, 0, 0, 0]], "the first moment of both backends")
    output = browser.find_element("css selector", "#gan-0 output")
    wait_for(lambda: output.text == "before the first step", "the slider's text")
    move(browser, "gan-0", 1)
    wait_for(lambda: 0.4 < browser.execute_script(TRACES, "gan-0")[0][0] < 0.6, "the second moment")
    wait_for(lambda: output.text == "step 10 of 30", "the slider's text")
    browser.find_element("css selector", "#gan-0 input[data-run=torch]").click()
    wait_for(lambda: len(browser.execute_script(TRACES, "gan-0")[0]) == 2, "torch to go")
    assert 0.4 < browser.execute_script(TRACES, "gan-0")[0][0] < 0.6, "hiding a backend leaves the moment"
    browser.find_element("css selector", "#gan-0 input[data-run=torch]").click()
    move(browser, "gan-0", 2)
    wait_for(lambda: browser.execute_script(TRACES, "gan-0") == end, "the end again")
    assert browser.execute_script(TRACES, "gan-1") == other


def test_a_slider_moves_pictures(opened):
    browser = opened()
    end = browser.execute_script(PICTURES, "gan-3")
    move(browser, "gan-3", 0)
    wait_for(lambda: all(a != b for a, b in zip(browser.execute_script(PICTURES, "gan-3"), end, strict=True)), "digits")
    assert len(end) == 2
    move(browser, "gan-3", 2)
    wait_for(lambda: browser.execute_script(PICTURES, "gan-3") == end, "the end again")


def test_zoom_is_kept_when_a_backend_is_hidden(opened):
    browser = opened()
    plot = browser.find_element("css selector", "#gan-1 .plot")
    limits = "return arguments[0].layout.xaxis.range"
    whole = browser.execute_script(limits, plot)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", plot)
    ActionChains(browser).move_to_element_with_offset(plot, -60, -100).click_and_hold().move_by_offset(
        100, 0
    ).release().perform()
    wait_for(lambda: browser.execute_script(limits, plot) != whole, "the zoom")
    zoomed = browser.execute_script(limits, plot)
    assert whole[0] < zoomed[0] < zoomed[1] < whole[1]
    browser.find_element("css selector", "#gan-1 input[data-run=torch]").click()
    hidden = "return arguments[0].data.some(trace => trace.meta.run === 'torch' && !trace.visible)"
    wait_for(lambda: browser.execute_script(hidden, plot), "torch to be hidden")
    assert browser.execute_script(limits, plot) == zoomed


def test_themes_change_while_the_page_is_open(opened):
    browser = opened(theme="dark")
    background = "return getComputedStyle(document.body).backgroundColor"
    assert browser.execute_script(background) == "rgb(22, 24, 27)"
    assert drawn_theme(browser) == "dark"
    set_theme(browser, "light")
    wait_for(lambda: drawn_theme(browser) == "light", "the light theme")
    assert browser.execute_script(background) == "rgb(255, 255, 255)"


def test_a_dark_page_is_printed_light_and_is_itself_again(opened):
    browser = opened(theme="dark")
    browser.execute_script(f"window.addEventListener('beforeprint', () => {{ window.printed = {STROKES} }})")
    paper = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
    assert paper.startswith(b"%PDF")
    assert len(paper) > 50_000
    printed = browser.execute_script("return window.printed")
    assert INKS["light"] in printed
    assert INKS["dark"] not in printed
    wait_for(lambda: drawn_theme(browser) == "dark", "the dark theme again")


def test_a_sweeps_page_hides_a_run_with_its_bands(chromium, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(sweep_page(table_of(fields={RATE: [0.01, 0.1]})), encoding="utf-8")
    set_theme(chromium, "light")
    chromium.get(page.as_uri())
    wait_for(lambda: chromium.execute_script("return document.documentElement.dataset.drawn") == "2", "the figures")
    count = "return document.querySelectorAll('.plot .scatterlayer .trace').length"
    bands = (
        "return [...document.querySelectorAll('.plot .fills path')].filter(path => path.getBBox().height > 1).length"
    )
    assert (chromium.execute_script(count), chromium.execute_script(bands)) == (4, 4)
    chromium.find_element("css selector", "input[data-run='torch:float32']").click()
    wait_for(lambda: chromium.execute_script(count) == 2, "torch to go")
    assert chromium.execute_script(bands) == 2
    assert [entry for entry in chromium.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []
