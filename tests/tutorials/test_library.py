"""The library's page in the site: every public name, as its docstring has it, and no warning of Sphinx's."""

from __future__ import annotations

import pytest

import gan_rosetta
from tutorials.machinery.library import library_page
from tutorials.machinery.site import build_site


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("library")
    sources = folder / "sources"
    sources.mkdir()
    (sources / "index.md").write_text("# Site\n\n```{toctree}\nlibrary\n```\n", encoding="utf-8")
    (sources / "library.md").write_text(library_page(), encoding="utf-8")
    build_site(sources, folder / "site")
    return (folder / "site" / "library.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", gan_rosetta.__all__)
def test_every_public_name_has_its_entry(page, name):
    assert f'id="gan_rosetta.{name}"' in page


def test_what_an_entry_says_is_the_docstrings(page):
    assert "Train a GAN in several runs from the same state and data, and judge each pair." in page
    assert 'id="gan_rosetta.Comparison.assert_agrees"' in page
    assert 'id="gan_rosetta.TrainedRun.losses"' in page
    assert "checkpoint_every, patience: seconds between checkpoints" in page
