"""The pages in a real browser: tabs switch together, on a page and between pages, code is copied, pictures load."""

from __future__ import annotations

import functools
import http.server
import threading
import time

import pytest
from selenium.webdriver.common.action_chains import ActionChains

from tests.browser import headless_chromium
from tests.tutorials.conftest import DIALECTS_SHOWN, INSTALLED, RUN, TRANSLATED

pytestmark = pytest.mark.browser

PHONE = (390, 844)
DESKTOP = (1280, 900)
SECONDS_TO_WAIT = 10


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):  # noqa: A002 - the name that it has there
        pass


class PatientServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # Five would turn some of a page's many requests away on a busy machine.


@pytest.fixture(scope="module")
def address(site):
    """Where the site is served; from this machine to this machine, as copying needs an origin."""
    handler = functools.partial(QuietHandler, directory=str(site))
    server = PatientServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium that reaches nothing but this machine."""
    with headless_chromium() as driver:
        yield driver


@pytest.fixture
def browser(chromium, address):
    """The browser on an empty page of the site, with nothing remembered of earlier tests."""
    chromium.set_window_size(*DESKTOP)
    chromium.get(f"{address}/index.html")
    chromium.execute_script("sessionStorage.clear(); localStorage.clear()")
    chromium.get_log("browser")
    return chromium


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def shown_frameworks(browser):
    """The framework of each set of tabs whose content is to be seen."""
    contents = [content for content in find(browser, ".sd-tab-content") if content.is_displayed()]
    return [
        browser.execute_script("return arguments[0].previousElementSibling.dataset.syncId", content)
        for content in contents
    ]


def wait_for_frameworks(browser, expected):
    """Wait until the tabs show these: a page that is slow to be laid out has not yet drawn all of them."""
    wait_for(lambda: shown_frameworks(browser) == expected, lambda: f"{expected}, shown: {shown_frameworks(browser)}")


def choose(browser, framework):
    selector = f"label[data-sync-id={framework}]"
    wait_for(lambda: len(find(browser, selector)) > 1, f"{selector} on {browser.current_url}: {browser.title!r}")
    label = find(browser, selector)[1]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", label)
    label.click()


def wait_for(condition, what):
    end = time.monotonic() + SECONDS_TO_WAIT
    while not condition():
        assert time.monotonic() < end, f"waited {SECONDS_TO_WAIT} s for {what() if callable(what) else what}"
        time.sleep(0.05)


def test_tabs_switch_together_on_a_page_and_between_pages(browser, address):
    first, second, *_ = RUN
    browser.get(f"{address}/{first}/index.html")
    wait_for_frameworks(browser, [INSTALLED[0]] * 6)
    for framework in reversed(INSTALLED):
        choose(browser, framework)
        wait_for_frameworks(browser, [framework] * 6)
    choose(browser, INSTALLED[-1])
    browser.get(f"{address}/{second}/index.html")
    wait_for_frameworks(browser, [INSTALLED[-1]] * 6)


def test_the_code_that_is_shown_can_be_copied(browser, address):
    browser.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    browser.get(f"{address}/{next(iter(RUN))}/index.html")
    block = next(block for block in find(browser, "div.highlight") if block.is_displayed())
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", block)
    button = block.find_element("css selector", "button.copybtn")
    ActionChains(browser).move_to_element(block).pause(0.3).perform()  # The button appears under the pointer.
    button.click()  # A real one, without which a page may not copy.
    expected = block.find_element("css selector", "pre").get_attribute("textContent").strip()

    def clipboard():
        return browser.execute_async_script(
            "const done = arguments[0]; navigator.clipboard.readText().then(done, e => done('' + e))"
        )

    wait_for(
        lambda: clipboard().replace("\r", "").strip() == expected, f"{expected[:40]!r}…, found {clipboard()[:60]!r}"
    )
    assert "import" in expected


@pytest.mark.parametrize("name", ["", *RUN, *([TRANSLATED.gan] if DIALECTS_SHOWN else [])])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pictures_load_and_nothing_complains(browser, address, name, size):
    browser.set_window_size(*size)
    browser.get(f"{address}/{name}/index.html" if name else f"{address}/index.html")
    for framework in INSTALLED if name in RUN else DIALECTS_SHOWN if name else []:
        choose(browser, framework)
        for image in find(browser, "img"):
            browser.execute_script("arguments[0].scrollIntoView({behavior: 'instant'})", image)
            wait_for(lambda image=image: image.get_property("complete"), f"{image.get_attribute('src')}")
            assert image.get_property("naturalWidth") > 0, f"{image.get_attribute('src')} is no picture"
    assert browser.get_log("browser") == []
    # What is wider than the page scrolls in a box of its own.
    overhang = browser.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    assert overhang <= 0


def test_the_page_goes_dark(browser, address):
    browser.get(f"{address}/index.html")
    colors = set()
    for theme in ("light", "dark"):
        browser.execute_script("document.body.dataset.theme = arguments[0]", theme)
        colors.add(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert len(colors) == 2
