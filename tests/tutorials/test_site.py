"""The site: complete, free of anything from a network, and its notebooks run by themselves."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
import pytest

from gan_rosetta.shared.compare.assertions import assert_same_bits
from tests.tutorials.conftest import INSTALLED, RUN
from tutorials.machinery.lessons import FRAMEWORKS, LESSONS
from tutorials.machinery.notebooks import make_notebook
from tutorials.machinery.record import read_record
from tutorials.machinery.running import run_module

# What a page loads by itself; a link that a reader may follow is not among them.
LOADED = {("script", "src"), ("img", "src"), ("source", "src"), ("iframe", "src"), ("link", "href"), ("video", "src")}


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.labels: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.loaded += [values[name] for kind, name in LOADED if kind == tag and values.get(name)]
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag == "label" and "data-sync-id" in values:
            self.labels.append(values["data-sync-id"])


@pytest.fixture(scope="session")
def pages(site):
    found = [Page(path) for path in sorted(site.rglob("*.html"))]
    assert len(found) >= len(RUN) + 1
    return found


def test_no_page_loads_anything_from_a_network(site, pages):
    for page in pages:
        for address in page.loaded:
            assert not urlparse(address).netloc, f"{page.path} loads {address}"
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.findall(r"(?:url\(|@import)\s*['\"]?\s*(?:https?:)?//[^)'\"]+", text), sheet


def test_every_file_that_a_page_names_is_there(pages):
    for page in pages:
        for address in (*page.loaded, *page.links):
            parts = urlparse(address)
            if parts.netloc or parts.scheme or not parts.path:
                continue
            assert (page.path.parent / unquote(parts.path)).resolve().exists(), f"{page.path} names {address}"


@pytest.mark.parametrize("name", list(RUN))
def test_a_lessons_page_is_whole(site, name):
    page = Page(site / name / "index.html")
    assert page.labels == INSTALLED * 6
    text = page.path.read_text(encoding="utf-8")
    assert "<math" in text
    assert 'class="math notranslate' not in text, "a formula was left to a script"
    for place in ("{program}", "{result}", "{table}"):
        assert place not in text
    pictures = {Path(address).name for address in page.loaded if "_images" in address}
    assert {"losses", "frames"} <= {re.sub(r"\d+$", "", Path(picture).stem) for picture in pictures}
    notebooks = {Path(address).name for address in page.links if address.endswith(".ipynb")}
    assert notebooks == {f"{name}-{framework}.ipynb" for framework in INSTALLED}


def test_an_unchanged_site_is_left_alone(site, rebuild):
    before = {path: path.stat().st_mtime_ns for path in site.rglob("index.html")}
    rebuild()
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize("framework", list(FRAMEWORKS))
@pytest.mark.parametrize("name", list(LESSONS))
def test_a_notebook_installs_its_framework_alone(name, framework):
    notebook = make_notebook(LESSONS[name], framework)
    install = notebook.cells[2].source
    assert framework in install
    assert not [other for other in FRAMEWORKS if other != framework and other in install]
    assert json.dumps(notebook) == json.dumps(make_notebook(LESSONS[name], framework))


@pytest.mark.parametrize("framework", list(FRAMEWORKS))
def test_a_notebook_runs_in_an_empty_folder(runs, tmp_path, framework):
    if framework not in INSTALLED:
        pytest.skip(f"{FRAMEWORKS[framework]} is not installed")
    name = "alternating-step"
    cells = make_notebook(LESSONS[name], framework).cells
    source = "\n\n".join(cell.source for cell in cells if cell.cell_type == "code")
    (tmp_path / "notebook.py").write_text(source, encoding="utf-8")
    (tmp_path / "empty").mkdir()
    order = {
        "program": str(tmp_path / "notebook.py"),
        "inputs": str(tmp_path / "empty"),
        "out": str(tmp_path / "out"),
        "parameters": {},
    }
    finished = run_module("tutorials.machinery.worker", json.dumps([order]))
    assert finished.returncode == 0, finished.stderr
    mine, theirs = read_record(tmp_path / "out" / "record.npz"), read_record(runs / name / framework / "record.npz")
    num_steps = len(theirs.losses["generator"])
    shortened = {loss: np.asarray(values[:num_steps]) for loss, values in mine.losses.items()}
    assert_same_bits(shortened, theirs.losses)
