"""`gan-rosetta faults --check`, on the reference and a GAN from a file."""

from __future__ import annotations

import sys

import pytest

from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.faults import FAULTS
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec.toml_file import spec_to_toml


@pytest.fixture
def faults(monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)
    text = spec_to_toml(find_gan("linear-2d")).replace('"linear-2d"', '"my-linear"')
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["gan-rosetta", "faults", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capfd.readouterr()
        return stopped.value.code, captured.out, captured.err

    return run


def test_every_fault_that_touches_a_gan_from_a_file_is_found(faults, tmp_path):
    spec = find_gan("linear-2d")
    num_faults = sum(fault.plant(spec) is not None for fault in FAULTS.values())
    page = tmp_path / "page.md"
    status, said, errors = faults("--check", "--spec", "mine.toml", "--backends", "numpy", "--markdown", str(page))
    assert (status, errors) == (0, "")
    assert f"{num_faults + 1} of {num_faults + 1} cells right" in said
    assert "| adam-epsilon-hat | 1/1 |" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--spec", "mine.toml"), "which --check does; give both"),
        (("sine", "--check", "--spec", "mine.toml"), "not both; found sine and mine.toml"),
        (("--check", "--spec", "none.toml"), "none.toml cannot be read"),
    ],
)
def test_wrong_wishes_are_one_line(faults, arguments, words):
    status, said, errors = faults(*arguments)
    assert (status, said, len(errors.splitlines())) == (2, "", 1)
    assert words in errors
