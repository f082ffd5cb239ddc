"""What the command says of a defect of ours and of Ctrl-C: one line, with where to look or how to go on."""

from __future__ import annotations

import json
import os
import re
import subprocess
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
        r"gan-rosetta: this is a defect of gan-rosetta: ZeroDivisionError: nothing to divide \(main.py, line "
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


def test_a_library_that_fails_is_said_to_fail_where_we_asked_it(monkeypatch, capsys):
    monkeypatch.setattr(tables, "gan_table", lambda: json.loads("{"))
    status, said = run(monkeypatch, capsys, "list")
    assert status == 3
    assert "(main.py, line" in said
    assert "decoder.py" not in said
    Path(said.rstrip().rpartition(" ")[2]).unlink()


def test_memory_that_is_out_is_no_defect(monkeypatch, capsys):
    def fail():
        raise MemoryError

    monkeypatch.setattr(tables, "gan_table", fail)
    status, said = run(monkeypatch, capsys, "list")
    assert (status, said.count("\n")) == (3, 1)
    assert "out of memory" in said
    assert "defect" not in said


@pytest.mark.parametrize("words", [("show", "sine"), ("faults",), ("--help",), ("list", "--python", "numpy=/nowhere")])
def test_a_closed_pipe_ends_quietly_as_others_do(words):
    reader, writer = os.pipe()
    os.close(reader)
    finished = subprocess.run(
        [sys.executable, "-m", "gan_rosetta", *words], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    refused = words[-1].startswith("numpy=")
    assert finished.returncode == (2 if refused else 141), finished.stderr
    assert finished.stderr.count("\n") == (1 if refused else 0), finished.stderr


def test_two_commands_in_one_second_have_a_folder_each(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    folders = [command._fresh_folder() for _ in range(3)]
    assert len(set(folders)) == 3
    (folders[0] / "kept").touch()
    for folder in folders:
        command._remove_if_empty(folder)
    assert [folder.exists() for folder in folders] == [True, False, False]


def test_an_environment_without_what_the_command_needs_is_told_so_in_a_line(tmp_path):
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError('No module named typer', name='typer')\n")
    finished = subprocess.run(
        [sys.executable, "-m", "gan_rosetta", "list"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (2, "")
    (line,) = finished.stderr.splitlines()
    assert line.startswith("gan-rosetta: typer is not installed here, so that this environment serves workers alone")


@pytest.mark.parametrize("variable", [{"PYTHONINSPECT": "1"}, {"MPLBACKEND": "nonsense"}])
def test_variables_of_other_programs_change_nothing(tmp_path, variable):
    words = ("train", "linear-2d", "--backend", "numpy", "--steps", "2", "--quiet", "--out", str(tmp_path / "runs"))
    finished = subprocess.run(
        [sys.executable, "-m", "gan_rosetta", *words],
        env=os.environ | variable,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert (tmp_path / "runs" / "linear-2d" / "numpy" / "samples.png").exists()
