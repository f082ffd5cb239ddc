"""The site's pages of the library and of a port: every public name, each mistake, and no warning of Sphinx's."""

from __future__ import annotations

import pytest

import gan_rosetta
from tutorials.machinery.library import library_page
from tutorials.machinery.porting import porting_page
from tutorials.machinery.site import build_site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    sources = folder / "sources"
    sources.mkdir()
    (sources / "index.md").write_text("# Site\n\n```{toctree}\nlibrary\nport-a-gan\n```\n", encoding="utf-8")
    (sources / "library.md").write_text(library_page(), encoding="utf-8")
    (sources / "port-a-gan.md").write_text(porting_page(), encoding="utf-8")
    build_site(sources, folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def page(site) -> str:
    return (site / "library.html").read_text(encoding="utf-8")


def test_a_port_is_followed_to_its_third_mistake(site):
    text = (site / "port-a-gan.html").read_text(encoding="utf-8")
    for title in ("The first mistake: a loss", "The second: an optimizer", "The third: a batch", "A port to Keras"):
        assert title in text
    assert 'href="library.html"' in text
    assert "agreement.md" not in text


@pytest.mark.parametrize("name", gan_rosetta.__all__)
def test_every_public_name_has_its_entry(page, name):
    assert f'id="gan_rosetta.{name}"' in page


def test_what_an_entry_says_is_the_docstrings(page):
    assert "Train a GAN in several runs from the same state and data, and judge each pair." in page
    assert 'id="gan_rosetta.Comparison.assert_agrees"' in page
    assert 'id="gan_rosetta.TrainedRun.losses"' in page
    assert "checkpoint_every, patience: seconds between checkpoints" in page
