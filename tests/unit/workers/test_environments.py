"""Which Python a backend runs on, and what is said of one that will not do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan_rosetta.shared.errors import BackendUnavailable, UsageError
from gan_rosetta.shared.workers import environments
from gan_rosetta.shared.workers.child import WorkerProcess
from gan_rosetta.shared.workers.environments import find_python, parse_pythons, python_in, python_of
from gan_rosetta.shared.workers.protocol import Ready, encode
from gan_rosetta.shared.workers.registry import find_backend, installed_version, require_installed

ELSEWHERE = Ready(version="from elsewhere", devices=(), import_seconds=0.0)


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv(environments.FOLDER_VARIABLE, str(tmp_path / "environments"))
    environments._look_into.cache_clear()
    yield
    environments._look_into.cache_clear()


def make_python(path: Path, answer: str, *, status: int = 0) -> Path:
    """Write a program that answers like a Python that is asked what it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_a_backend_runs_on_this_python_unless_it_is_sent_elsewhere() -> None:
    assert python_of("torch") is None


def test_a_python_is_chosen_by_name(tmp_path: Path) -> None:
    program = make_python(tmp_path / "own" / "bin" / "python", "{}")
    chosen = parse_pythons([f"torch={program}"])
    assert chosen == {"torch": str(program)}
    assert python_of("torch", chosen["torch"]) == str(program)


def test_the_folder_of_an_environment_will_do(tmp_path: Path) -> None:
    program = make_python(python_in(tmp_path / "own"), "{}")
    assert parse_pythons([f"torch={tmp_path / 'own'}"]) == {"torch": str(program)}


def test_an_environment_may_be_named_as_those_that_are_looked_up(tmp_path: Path) -> None:
    program = make_python(python_in(tmp_path / "environments" / "jax-0.12"), "{}")
    assert find_python("jax-0.12", said="a run") == str(program)


def test_the_documented_place_is_looked_at(tmp_path: Path) -> None:
    program = make_python(python_in(tmp_path / "environments" / "torch"), "{}")
    assert python_of("torch") == str(program)
    chosen = make_python(tmp_path / "elsewhere", "{}")
    assert python_of("torch", str(chosen)) == str(chosen)


def test_this_python_may_be_named(tmp_path: Path) -> None:
    make_python(python_in(tmp_path / "environments" / "torch"), "{}")
    assert python_of("torch", parse_pythons([f"torch={sys.executable}"])["torch"]) is None


def test_a_python_for_an_unknown_backend_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="did you mean 'jax'"):
        parse_pythons([f"jaxx={sys.executable}"])


@pytest.mark.parametrize("choice", ["torch", "=x", "torch=", ""])
def test_what_is_no_choice_is_refused(choice: str) -> None:
    with pytest.raises(UsageError, match="expected BACKEND=PATH"):
        parse_pythons([choice])


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a program")
    for path in (tmp_path / "absent", tmp_path / "notes.txt", tmp_path):
        with pytest.raises(UsageError, match="which is no program"):
            parse_pythons([f"torch={path}"])


def test_the_version_is_that_of_the_environment(tmp_path: Path) -> None:
    ours = environments.version_in(None, "gan-rosetta")
    answer = json.dumps({"Gan_Rosetta": ours, "tensorflow_cpu": "9.9"})
    program = str(make_python(tmp_path / "python", answer))
    assert installed_version(find_backend("tensorflow"), program) == "9.9"
    require_installed(find_backend("tensorflow"), program)


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        ('{"torch": "2.13.0"}', 0, "has no gan-rosetta"),
        ('{"torch": "2.13.0", "gan-rosetta": "0.0.1"}', 0, "has gan-rosetta 0.0.1 and this is"),
        ("hello", 0, "does not answer as a Python does"),
        ("{}", 1, "does not answer as a Python does: it ended with exit status 1"),
        ("7", 0, "does not answer as a Python does: TypeError"),
    ],
)
def test_an_environment_that_will_not_do_is_named(tmp_path: Path, answer: str, status: int, message: str) -> None:
    program = make_python(tmp_path / "python", answer, status=status)
    with pytest.raises(BackendUnavailable, match=message) as raised:
        require_installed(find_backend("torch"), str(program))
    assert str(program) in str(raised.value)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("echo >&2; exit 1", "does not answer as a Python does: it ended with exit status 1"),
        ("echo 'no such thing' >&2; exit 1", "does not answer as a Python does: no such thing"),
        ("kill -SEGV $$", "does not answer as a Python does: it ended with signal SIGSEGV"),
        ("exec sleep 60", "does not answer as a Python does: nothing came in 1 s"),
    ],
)
def test_a_program_that_gives_no_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, message: str
) -> None:
    monkeypatch.setattr(environments, "_SECONDS_TO_LOOK", 1)
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)
    with pytest.raises(BackendUnavailable, match=message) as raised:
        require_installed(find_backend("torch"), str(path))
    assert "-c" not in str(raised.value)


def test_an_environment_without_the_framework_is_named(tmp_path: Path) -> None:
    ours = environments.version_in(None, "gan-rosetta")
    program = make_python(tmp_path / "python", json.dumps({"gan-rosetta": ours}))
    with pytest.raises(BackendUnavailable, match="not installed in the environment of"):
        require_installed(find_backend("torch"), str(program))


def test_the_worker_is_started_there(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!{sys.executable}\nimport os, sys\nos.write(int(sys.argv[-1]), {encode(ELSEWHERE)!r})\n")
    program.chmod(0o755)
    worker = WorkerProcess("torch", threads=1, python=str(program))
    try:
        assert worker.start() == ELSEWHERE
    finally:
        worker.close()


def test_files_that_lie_about_are_not_what_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('a stranger')\n")
    monkeypatch.chdir(tmp_path)
    assert environments.version_in(sys.executable, "gan-rosetta") == environments.version_in(None, "gan-rosetta")


def test_what_prints_without_end_is_no_python(tmp_path: Path) -> None:
    liar = tmp_path / "liar"
    liar.write_text("#!/bin/sh\nexec yes nonsense\n")
    liar.chmod(0o755)
    problem = environments.find_problem(str(liar))
    assert problem is not None
    assert problem.endswith("does not answer as a Python does: ValueError: it prints more than 4,194,304 bytes")
