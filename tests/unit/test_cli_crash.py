"""What the command says of a defect of ours and of Ctrl-C: one line, with where to look or how to go on."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from gan_rosetta.shared.commands import main as command
from gan_rosetta.shared.commands.outcomes import RunReporter
from gan_rosetta.shared.report import tables


def run(monkeypatch, capsys, *arguments: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["gan-rosetta", *arguments])
    with pytest.raises(SystemExit) as ended:
        command.main()
    return int(ended.value.code or 0), capsys.readouterr().err


def test_a_defect_is_one_line_and_its_traceback_is_kept(monkeypatch, capsys):
    def fail():
        raise ZeroDivisionError("nothing to divide")

    monkeypatch.setattr(tables, "gan_table", fail)
    status, said = run(monkeypatch, capsys, "list")
    assert status == 3
    (line,) = said.splitlines()
    found = re.fullmatch(
        r"gan-rosetta: this is a defect of gan-rosetta: ZeroDivisionError: nothing to divide \(test_cli_crash.py, line "
        r"\d+\); the traceback is in (.+)",
        line,
    )
    assert found is not None, line
    kept = Path(found[1])
    assert "ZeroDivisionError: nothing to divide" in kept.read_text(encoding="utf-8")
    kept.unlink()


@pytest.mark.parametrize("name", ["train", "compare"])
def test_an_interrupted_command_names_its_folder(monkeypatch, capsys, tmp_path, name):
    def interrupt(self, plan, folder, /):
        raise KeyboardInterrupt

    monkeypatch.setattr(RunReporter, name, interrupt)
    status, said = run(monkeypatch, capsys, name, "linear-2d", "--runs", "numpy", "--out", str(tmp_path))
    assert status == 130
    assert f"and `gan-rosetta {name} --resume {tmp_path}` goes on with it" in said
