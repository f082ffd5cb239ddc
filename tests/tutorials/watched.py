"""The process that runs lessons' programs as they are, but for the lines by which a case watches them, and judges them.

Run as `python -m tests.tutorials.watched ORDERS`, with a list of orders as JSON: {"lesson", "short", "framework",
"folder", "inputs", "out"}. The folder has the lesson's reference. What is left in `out` is the record, as an unwatched
run leaves it, and `judgement.json`.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib as mpl
import numpy as np

from gan_rosetta.shared.cases import case as cases
from gan_rosetta.shared.cases.case import Case, Request
from gan_rosetta.shared.compare.yardstick import read_yardstick
from tutorials.machinery import reference, worker
from tutorials.machinery.inputs import inputs_digests, read_inputs
from tutorials.machinery.judging import evidence_of
from tutorials.machinery.lessons import SEED, Lesson, find_lesson
from tutorials.machinery.record import read_record, write_record

JUDGEMENT_FILE = "judgement.json"
WATCHED_STEPS = 5
# What the programs call the optimizers of each player.
_OPTIMIZERS = {
    "discriminator": ("optimizer_d", "trainer_d", "descent_d"),
    "generator": ("optimizer_g", "trainer_g", "descent_g"),
    "pretraining": ("pretraining",),
}
_COUNTS = ("num_pretraining_steps", "num_steps")


class Watching:
    """What is called from the lines that are added: before the first loop, and at both ends of each step."""

    def __init__(self, case: Case, framework: str) -> None:
        self._case, self._framework = case, framework
        self._steps: Iterator[Any] = iter(())
        self._step: Any = None

    def begin_step(self, program: Mapping[str, Any], /) -> None:
        """A step begins; the first time networks and optimizers are found among the program's names."""
        if self._step is None:
            self._watch(program)
            self._steps = iter(self._case)
        self._step = next(self._steps)

    def end_step(self, program: Mapping[str, Any], /) -> None:
        """Record what the program kept of the step, and tell what JAX's updates left."""
        step, losses = self._step, program["losses"]
        trains = {"discriminator": step.trains_discriminator, "generator": step.trains_generator}
        names = ["pretraining"] if step.phase == "pretraining" else [name for name, does in trains.items() if does]
        if self._framework == "jax":
            for name in ["discriminator"] if step.phase == "pretraining" else names:
                parameters, moments = _player(program, name)
                step.see_update(name, parameters=parameters, optimizer=moments)
        step.record(**{name: losses[name][-1] for name in names})

    def finish(self) -> None:
        """End the last step; raises AssertionError where the program took fewer than its lesson has."""
        if next(self._steps, None) is not None:
            raise AssertionError("the program took fewer steps than its lesson has")

    def _watch(self, program: Mapping[str, Any]) -> None:
        if self._framework == "jax":
            networks = {name: program[f"parameters_{name[0]}"] for name in ("generator", "discriminator")}
            self._case.watch(**networks, steps=WATCHED_STEPS)
            return
        optimizers = {
            f"{name}_optimizer": program[known]
            for name, all_known in _OPTIMIZERS.items()
            for known in all_known
            if known in program
        }
        if self._framework == "mxnet":
            # A block that finds its own shapes has no parameters before it is called.
            for name, network in self._case.spec.networks().items():
                program[name](program["mx"].nd.zeros((1, *network.input_shape), dtype="float64"))
        if self._framework == "torch":
            # One lesson keeps an optimizer and its schedule together.
            optimizers = {name: getattr(found, "optimizer", found) for name, found in optimizers.items()}
        self._case.watch(
            generator=program["generator"],
            discriminator=program["discriminator"],
            **optimizers,
            steps=WATCHED_STEPS,
        )


def _player(program: Mapping[str, Any], name: str) -> tuple[Any, Any]:
    """Return a player's parameters, and its optimizer's state, as JAX's programs have them."""
    letter = name[0]
    if f"averages_{letter}" in program:
        return program[f"parameters_{letter}"], program[f"averages_{letter}"]
    parameters, moments = program[f"player_{letter}"]
    return parameters, moments


def add_lines(module: ast.Module, /) -> int:
    """Add the calls at both ends of each step to a program's loops; returns to how many loops."""
    loops = [each for each in module.body if isinstance(each, ast.For) and _counts_steps(each)]
    for loop in loops:
        # Pictures come first, of networks that no step is looking at.
        start = next(place for place, statement in enumerate(loop.body) if not _looks(statement))
        loop.body.insert(start, ast.parse("_watching.begin_step(globals())").body[0])
        loop.body.append(ast.parse("_watching.end_step(globals())").body[0])
    ast.fix_missing_locations(module)
    return len(loops)


def _counts_steps(loop: ast.For) -> bool:
    call = loop.iter
    return isinstance(call, ast.Call) and any(isinstance(each, ast.Name) and each.id in _COUNTS for each in call.args)


def _looks(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) or (
        isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]).startswith("frames[")
    )


def run_watched(lesson: Lesson, framework: str, folder: Path, inputs: Path, out: Path, /) -> None:
    """Execute a program, watched, and write its record and its judgement."""
    state, tape = read_inputs(lesson, inputs)
    request = Request(spec=lesson.spec, state=state, tape=tape, dtype="float64", seed=SEED, to_tensor=np.asarray)
    case = Case(request)
    watching = Watching(case, framework)
    path = lesson.program(framework)
    module = worker.parse_program(path, lesson.parameters())
    if not add_lines(module):
        raise AssertionError(f"{path} has no loop over its steps")
    namespace: dict[str, Any] = {"__name__": "__main__", "_watching": watching}
    before = Path.cwd()
    os.chdir(inputs)
    try:
        exec(compile(module, str(path), "exec"), namespace)  # noqa: S102 - the program is the lesson
        digests = inputs_digests(Path())
    finally:
        os.chdir(before)
    watching.finish()
    sys.modules["matplotlib.pyplot"].close("all")
    out.mkdir(parents=True, exist_ok=True)
    write_record(out / worker.RECORD_FILE, worker.gather(path, namespace, digests))
    measured = evidence_of("the reference", read_record(folder / reference.RECORD_FILE))
    yardstick = read_yardstick(folder / reference.YARDSTICK_FILE)
    # The reference has been trained, once for all programs of the lesson.
    with mock.patch.object(cases, "measure_reference", return_value=(measured, yardstick)):
        judgement = case.judge()
    (out / JUDGEMENT_FILE).write_text(json.dumps(judgement.as_data()), encoding="utf-8")


if __name__ == "__main__":
    mpl.use("Agg")
    for order in json.loads(sys.argv[1]):
        chosen = find_lesson(order["lesson"])
        run_watched(
            chosen.shortened() if order["short"] else chosen,
            order["framework"],
            *(Path(order[name]) for name in ("folder", "inputs", "out")),
        )
