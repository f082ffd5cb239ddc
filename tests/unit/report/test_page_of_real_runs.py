"""The report of all GANs on all installed backends, of runs that the command made, in a real browser."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.gans import PUBLISHED
from gan_rosetta.shared.workers.registry import installed_version
from tests.browser import headless_chromium
from tests.unit.report.test_page_browser import DRAWN, move, set_theme, wait_for

# One process runs them all, one after the other, so that the runs are made once.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("report-real-runs")]

# Two steps of two samples, nothing compiled: every layer, loss and update of every GAN, in a minute or so.
SMALL = ("--steps", "2", "--pretrain-steps", "2", "--batch-size", "2", "--execution", "eager")
# The command, with an eighth of the channels and features of the GANs on digits, of which the page shows nothing: their
# references and copies, whole, take longer than all else here. test_published.py trains them whole.
COMMAND = """
from gan_rosetta.shared import gans
from gan_rosetta.shared.gans.affordable import narrowed

for name in ("mnist-conv", "mnist-wgan-gp", "mnist-wgan-gp-sample"):
    gans.PUBLISHED[name] = gans.CATALOGUE[name] = narrowed(gans.CATALOGUE[name], 8)
from gan_rosetta.__main__ import main

main()
"""
SECONDS_TO_RUN = 900


def gan_rosetta(*arguments):
    command = [sys.executable, "-c", COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_TO_RUN, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("all") / "runs"
    finished = gan_rosetta("compare", *SMALL, "--out", out)
    assert finished.returncode in (0, 1), finished.stdout + finished.stderr
    finished = gan_rosetta("report", out)
    assert finished.returncode == 0, finished.stderr
    return out


@pytest.fixture(scope="module")
def opened(folder):
    with headless_chromium() as browser:
        browser.get((folder / "report.html").as_uri())
        wait_for(lambda: browser.execute_script("return document.documentElement.dataset.drawn"), "the figures")
        yield browser
        assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def installed():
    return {name for name, entry in BACKENDS.items() if installed_version(entry) is not None}


def test_the_page_is_under_15_megabytes(folder):
    assert (folder / "report.html").stat().st_size < 15e6


def test_every_gan_has_a_verdict_and_the_curves_of_every_backend(folder, opened):
    sections = opened.find_elements("css selector", "section.gan")
    assert len(sections) == len(PUBLISHED)
    for section, (name, spec) in zip(sections, PUBLISHED.items(), strict=True):
        assert section.find_element("css selector", "h2").text.startswith(name)
        verdict = json.loads((folder / name / "comparison.json").read_text())["verdict"]
        assert section.find_element("css selector", "h2 .badge").text == verdict
        drawn = """
            const runs = plot => plot._fullData.filter(trace => trace.visible && trace.meta.run && trace.yaxis === 'y');
            return [...arguments[0].querySelectorAll('.figures:not([data-moments]) .plot')]
                .map(plot => [...new Set(runs(plot).map(trace => trace.meta.run))])"""
        shown = opened.execute_script(drawn, section)
        assert len(shown) == (3 if spec.pretraining is not None else 2)
        assert all(set(labels) == installed() for labels in shown)
    plots = opened.execute_script("return document.querySelectorAll('.plot').length")
    assert opened.execute_script(DRAWN.format(".scatterlayer path")) == plots


DATA = """
    const shown = figure => {
        const plot = figure.querySelector('.plot');
        return plot ? JSON.stringify(plot._fullData.map(trace => [Array.from(trace.x), Array.from(trace.y)]))
            : figure.querySelector('img').src;
    };
    return [...arguments[0].querySelectorAll('.figures[data-moments] figure')]
        .filter(figure => figure.querySelector('.plot') || figure.dataset.run).map(shown)"""


@pytest.mark.parametrize("index", range(len(PUBLISHED)), ids=list(PUBLISHED))
def test_the_slider_moves_what_every_backend_generated(opened, index):
    section = opened.find_element("css selector", f"#gan-{index}")
    spec = list(PUBLISHED.values())[index]
    end = opened.execute_script(DATA, section)
    assert len(end) == (1 if spec.discriminator.input_shape == (1,) else len(installed()))
    move(opened, f"gan-{index}", 0)
    wait_for(lambda: all(a != b for a, b in zip(opened.execute_script(DATA, section), end, strict=True)), "the start")
    shown = section.find_element("css selector", "output")
    wait_for(lambda: shown.text == "before the first step", "the slider's text")
    move(opened, f"gan-{index}", 3 if spec.pretraining is not None else 2)
    wait_for(lambda: opened.execute_script(DATA, section) == end, "the end again")


def test_the_page_is_as_whole_on_a_dark_phone(opened):
    screen = {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    set_theme(opened, "dark")
    wide = """return [document.documentElement.scrollWidth, ...[...document.querySelectorAll('.plot svg, img, input')]
        .map(element => element.getBoundingClientRect().right)]"""
    wait_for(lambda: max(opened.execute_script(wide)) <= 390, "the figures to become narrow")
