"""Runs what is not fresh: references and programs, each in a process of its own, as many at once as there are cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gan_rosetta.shared.compare.yardstick import Yardstick, read_yardstick
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.spec.cost import step_flops
from tutorials.machinery import reference, worker
from tutorials.machinery.fingerprint import framework_version, inputs_fingerprint, is_fresh, program_fingerprint
from tutorials.machinery.inputs import write_inputs
from tutorials.machinery.judging import LessonVerdict, judge_lesson
from tutorials.machinery.lessons import FRAMEWORKS, HOME, Lesson
from tutorials.machinery.record import LessonRecord, read_record

MARKER = "fresh.txt"
_LAST_LINES = 25
_TIMEOUT_SECONDS = 1800
# One thread a process, so that two can run beside each other, and a run does not depend on the number of cores.
_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "MXNET_ENGINE_TYPE": "NaiveEngine",
    "PYTHONWARNINGS": "ignore",
}

Report = Callable[[str], None]


class LessonCrash(Exception):
    """A lesson's process ended with an error."""


@dataclass(frozen=True, kw_only=True)
class LessonResult:
    """A lesson's reference, and each framework's run with its verdict."""

    lesson: Lesson
    reference: LessonRecord
    yardstick: Yardstick
    records: dict[str, LessonRecord]
    verdicts: dict[str, LessonVerdict]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One process. markers: what says of each of its results that it is there; cost: a rough number."""

    label: str
    arguments: tuple[str, ...]
    markers: dict[Path, str]
    cost: float


def run_lessons(
    lessons: Iterable[Lesson], frameworks: Iterable[str], root: Path, /, *, report: Report
) -> list[LessonResult]:
    """Run what is not fresh in root/<lesson> and judge all of it.

    report: called with a line as each process ends. Raises UsageError where a framework is not
    installed, LessonCrash where a process fails. A verdict other than AGREE is returned, not raised.
    """
    lessons, frameworks = list(lessons), list(frameworks)
    for framework in frameworks:
        if not framework_version(framework):
            raise UsageError(f"{FRAMEWORKS[framework]} is not installed; pip install 'gan-rosetta[{framework}]'")
    tasks: list[Task] = []
    for lesson in lessons:
        folder = root / lesson.name
        _prepare_inputs(lesson, folder)
        tasks.append(_reference_task(lesson, folder))
        tasks += [_program_task(lesson, framework, folder) for framework in frameworks]
    run_tasks(tasks, report)
    return [judge_folder(lesson, frameworks, root / lesson.name) for lesson in lessons]


def run_tasks(tasks: Iterable[Task], report: Report, /) -> None:
    """Run what is not fresh, what costs most first; raises LessonCrash where a process fails, once the others ended."""
    stale = [task for task in tasks if not all(is_fresh(*marker) for marker in task.markers.items())]
    with ThreadPoolExecutor(max_workers=available_cores()) as pool:
        runs = [
            pool.submit(_run_task, task, report) for task in sorted(stale, key=lambda task: task.cost, reverse=True)
        ]
        failures = [error for run in runs if (error := run.exception()) is not None]
    if failures:
        raise failures[0]


def _prepare_inputs(lesson: Lesson, folder: Path) -> None:
    marker, fingerprint = folder / "inputs" / MARKER, inputs_fingerprint(lesson)
    if not is_fresh(marker, fingerprint):
        write_inputs(lesson, folder / "inputs")
        marker.write_text(fingerprint, encoding="utf-8")


def _reference_task(lesson: Lesson, folder: Path) -> Task:
    order = {
        "lesson": lesson.name,
        "inputs": str((folder / "inputs").absolute()),
        "out": str(folder.absolute()),
        "short": False,
    }
    return Task(
        label=f"{lesson.name}: the reference and its copies",
        arguments=("tutorials.machinery.reference", json.dumps([order])),
        markers={folder / "reference.txt": inputs_fingerprint(lesson)},
        cost=4 * step_flops(lesson.spec) * lesson.num_judged,
    )


def _program_task(lesson: Lesson, framework: str, folder: Path) -> Task:
    order = {
        "program": str(lesson.program(framework)),
        "inputs": str((folder / "inputs").absolute()),
        "out": str((folder / framework).absolute()),
        "parameters": lesson.parameters(),
    }
    return Task(
        label=f"{lesson.name} in {FRAMEWORKS[framework]}",
        arguments=("tutorials.machinery.worker", json.dumps([order])),
        markers={folder / framework / MARKER: program_fingerprint(lesson, framework)},
        cost=step_flops(lesson.spec) * lesson.spec.training.num_steps,
    )


def _run_task(task: Task, report: Report) -> None:
    started = time.perf_counter()
    finished = run_module(*task.arguments)
    if finished.returncode != 0:
        last = "\n".join(finished.stderr.splitlines()[-_LAST_LINES:])
        raise LessonCrash(f"{task.label} ended with exit status {finished.returncode}:\n{last}")
    for marker, fingerprint in task.markers.items():
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_text(fingerprint, encoding="utf-8")
    report(f"{task.label}: {time.perf_counter() - started:.0f} s")


def run_module(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m` with arguments from the repository's root, in the environment that lessons run in."""
    path = os.pathsep.join([str(HOME.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=HOME.parent,
        env=os.environ | _ENVIRONMENT | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )


def judge_folder(lesson: Lesson, frameworks: list[str], folder: Path, /) -> LessonResult:
    """Read what a lesson's runs left in a folder and judge it."""
    measured = read_record(folder / reference.RECORD_FILE)
    yardstick = read_yardstick(folder / reference.YARDSTICK_FILE)
    records = {framework: read_record(folder / framework / worker.RECORD_FILE) for framework in frameworks}
    verdicts = {
        framework: judge_lesson(lesson, framework, record, reference=measured, yardstick=yardstick)
        for framework, record in records.items()
    }
    return LessonResult(lesson=lesson, reference=measured, yardstick=yardstick, records=records, verdicts=verdicts)
