"""What public programs need, against the vocabulary; and the page that is made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gan_rosetta.shared.commands.main import app
from gan_rosetta.shared.coverage import COLLECTIONS, NEEDS, Need, cover, read_collection
from gan_rosetta.shared.coverage.needs import has_part
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.report.coverage_page import coverage_page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "coverage.md"


@pytest.mark.parametrize(
    ("part", "there"),
    [
        ("Conv2d", True),
        ("Conv2d.padding", True),
        ("Conv2d.paddings", False),
        ("Convolution", False),
        ("Pool2d.mode=maximum", True),
        ("Pool2d.mode=median", False),
        ("Activation.alpha", False),
    ],
)
def test_a_part_is_there_where_the_vocabulary_has_it(part, there):
    assert has_part(part) is there


def test_a_need_is_there_where_all_its_parts_are():
    need = Need(name="some", kind="loss", title="some", parts=("Linear", "Conv2d.stride"))
    assert need.is_there
    assert not replace(need, parts=("Linear", "Nothing")).is_there
    assert not replace(need, parts=()).is_there


@pytest.mark.parametrize("need", NEEDS.values(), ids=NEEDS)
def test_every_part_that_is_named_is_in_the_vocabulary_and_every_need_in_a_program(need):
    assert all(map(has_part, need.parts)), f"{need.name} names a part that the vocabulary does not have"
    programs = [needs for name in COLLECTIONS for needs in read_collection(name).programs.values()]
    assert any(need.name in needs for needs in programs)


@pytest.mark.parametrize(("name", "number"), [("pytorch-gan", 32), ("studiogan", 196)])
def test_a_collection_has_all_its_programs_each_need_once(name, number):
    collection = read_collection(name)
    assert len(collection.programs) == number
    assert all(len(set(needs)) == len(needs) > 0 for needs in collection.programs.values())
    assert set(collection.here) | set(collection.notes) <= set(collection.programs)
    assert set(collection.here.values()) <= set(CATALOGUE)


def test_a_program_that_the_catalogue_has_can_be_described_and_lacks_nothing_that_is_fed():
    coverage = cover(read_collection("pytorch-gan"))
    assert set(coverage.collection.here) <= set(coverage.described)
    assert not any(coverage.fed[program] for program in coverage.collection.here)


def test_what_is_missing_is_counted_with_and_without_anything_else():
    collection = replace(
        read_collection("pytorch-gan"),
        programs={
            "one": ("linear", "smaller-image"),
            "two": ("smaller-image", "alias-free", "images"),
            "three": ("linear", "images"),
        },
    )
    coverage = cover(collection)
    assert coverage.described == ("three",)
    assert [(need.name, count, alone) for need, count, alone in coverage.missing()] == [
        ("smaller-image", 2, 1),
        ("alias-free", 1, 0),
    ]
    assert [need.name for need in coverage.fed["two"]] == ["images"]


def test_a_need_that_is_not_listed_is_named(tmp_path, monkeypatch):
    (tmp_path / "pytorch-gan.toml").write_text(
        'title = "t"\nsource = "s"\ncommit = "c"\n[programs]\ngan = ["magic"]\n', encoding="utf-8"
    )
    monkeypatch.setattr("gan_rosetta.shared.coverage.collections._FOLDER", tmp_path)
    with pytest.raises(UsageError, match=r"pytorch-gan\.toml: gan has the need 'magic'"):
        read_collection("pytorch-gan")


def test_the_page_is_what_the_command_makes_of_today_s_vocabulary():
    assert PAGE.read_text(encoding="utf-8") == coverage_page([cover(read_collection(name)) for name in COLLECTIONS])


def test_the_command_counts_writes_and_refuses(tmp_path):
    page = tmp_path / "coverage.md"
    result = CliRunner().invoke(app, ["coverage", "pytorch-gan", "--markdown", str(page)])
    assert result.exit_code == 0
    assert "of 32 programs can be described" in result.output
    assert "StudioGAN" not in page.read_text(encoding="utf-8")
    found = json.loads(CliRunner().invoke(app, ["coverage", "--json"]).output)
    assert found["lacks"]["pytorch-gan"]["wgan"] == []
    assert "smaller-image" in found["lacks"]["pytorch-gan"]["srgan"]
    assert CliRunner().invoke(app, ["coverage", "pytorchgan"]).exit_code != 0
