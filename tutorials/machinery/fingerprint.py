"""What a run's result depends on, as one hash: an unchanged one need not be run again, however its prose changed."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

from tutorials.machinery.lessons import DISTRIBUTIONS, HOME, Lesson

_ROOT = HOME.parent
# What makes the tape, the state and the reference's numbers of a GAN.
REFERENCE_SOURCES = (
    "shared/compare/yardstick.py",
    "shared/data",
    "shared/runs/training.py",
    "shared/spec",
    "shared/state",
    "backends/numpy",
)
_LESSON_SOURCES = (
    *REFERENCE_SOURCES,
    "shared/gans",
    "tutorials/machinery/inputs.py",
    "tutorials/machinery/record.py",
    "tutorials/machinery/reference.py",
)
_WORKER_SOURCES = ("tutorials/machinery/record.py", "tutorials/machinery/worker.py")
_CALCULATORS = ("numpy", "scipy")


def inputs_fingerprint(lesson: Lesson, /) -> str:
    """Return the hash of what a lesson's inputs and reference follow from."""
    return fingerprint([f"{lesson.spec!r} {lesson.num_judged} {lesson.num_shown}"], _LESSON_SOURCES)


def program_fingerprint(lesson: Lesson, framework: str, /) -> str:
    """Return the hash of what a program's run follows from: its code without comments, its inputs, the versions."""
    code = ast.dump(ast.parse(lesson.program(framework).read_text(encoding="utf-8")))
    version = f"{framework} {framework_version(framework)}"
    return fingerprint([inputs_fingerprint(lesson), code, version], _WORKER_SOURCES)


def fingerprint(facts: Sequence[str], sources: Sequence[str], /) -> str:
    """Return the hash of facts, of what computes, and of files of Python, or folders of such, in the repository."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in (*_CALCULATORS, "mlxtend", "pillow")]
    return _hash([*facts, *versions, *_sources(sources)])


def framework_version(framework: str, /) -> str:
    """Return the installed version of a framework, or "" where it is not installed."""
    for name in DISTRIBUTIONS[framework]:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def is_fresh(marker: Path, expected: str, /) -> bool:
    """Return whether a marker that was written after a run holds this fingerprint."""
    return marker.is_file() and marker.read_text(encoding="utf-8") == expected


def _sources(places: Sequence[str]) -> list[str]:
    files: list[Path] = []
    for place in places:
        path = _ROOT / place
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [f"{file.relative_to(_ROOT)} {file.read_text(encoding='utf-8')}" for file in files]


def _hash(parts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()
