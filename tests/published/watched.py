"""The process that runs the published programs as they are, but for a line by which a case watches them.

Called by test_watched.py: `python -m tests.published.watched FOLDER GAN:STEPS:BATCH_SIZE ...` from the repository's
root. Leaves of each GAN `GAN.json`, the judgement, and `GAN.npz`, the losses, and as "plain" those of the program that
nobody watched.
"""

from __future__ import annotations

import ast
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from gan_rosetta.shared.cases.case import Case, Request
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import initial_state
from tests.published import worker

SEED = 0
# What the programs call the networks and optimizers of each player, and its losses.
_NETWORKS = {"generator": ("generator", "net_g", "G", "g"), "discriminator": ("discriminator", "net_d", "D", "d")}
_OPTIMIZERS = {
    "generator": ("optimizer_g", "optim_gen", "trainer_g", "opt_g"),
    "discriminator": ("optimizer_d", "optim_disc", "trainer_d", "opt_d"),
}
_LOSSES = {"generator": "losses_g", "discriminator": "losses_d"}
_ADDED = "_watching.begin_step(locals())"


class Watching:
    """What is called from the line that is added at the beginning of each step."""

    def __init__(self, case: Case, /) -> None:
        self._case = case
        self._steps: Iterator[Any] = iter(())
        self._step: Any = None
        self._losses: dict[str, list[float]] = {}

    def begin_step(self, program: Mapping[str, Any], /) -> None:
        """A step begins, and with it the one before ends; the first time all is found among the program's names."""
        if self._step is None:
            self._watch(program)
            self._losses = {name: program[known] for name, known in _LOSSES.items()}
            self._steps = iter(self._case)
        else:
            self._record()
        self._step = next(self._steps)

    def finish(self) -> None:
        """End the last step; raises AssertionError where the program took fewer than the case has."""
        self._record()
        if next(self._steps, None) is not None:
            raise AssertionError("the program took fewer steps than its case has")

    def _record(self) -> None:
        step = self._step
        trains = {"discriminator": step.trains_discriminator, "generator": step.trains_generator}
        step.record(**{name: self._losses[name][-1] for name, does in trains.items() if does})

    def _watch(self, program: Mapping[str, Any]) -> None:
        networks = {name: _known(program, names) for name, names in _NETWORKS.items()}
        optimizers = {f"{name}_optimizer": _known(program, names) for name, names in _OPTIMIZERS.items()}
        # One program has an optimizer of its own, which has no hooks.
        hooked = {name: each for name, each in optimizers.items() if type(each).__module__.startswith("torch.")}
        self._case.watch(**networks, **hooked)


def _known(program: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next(program[name] for name in names if name in program)


def add_line(module: ast.Module, /) -> int:
    """Add the call to each loop of a program's functions that train; returns to how many loops."""
    functions = [each for each in module.body if isinstance(each, ast.FunctionDef) and each.name in ("run", "train")]
    loops = [each for function in functions for each in function.body if isinstance(each, ast.For)]
    for loop in loops:
        loop.body.insert(0, ast.parse(_ADDED).body[0])
    ast.fix_missing_locations(module)
    return len(loops)


def run(spec: GanSpec, watching: Watching | None, /) -> dict[str, np.ndarray]:
    """Return the losses of a program, watched or not."""
    name, function = worker.PROGRAMS[spec.name]
    path = Path(worker.__file__).with_name(f"{name}.py")
    module = ast.parse(path.read_text(encoding="utf-8"))
    if watching is not None and add_line(module) != 1:
        raise AssertionError(f"{path} has not one loop over its steps")
    program = ModuleType(f"published_{name}")
    vars(program)["_watching"] = watching
    exec(compile(module, str(path), "exec"), vars(program))  # noqa: S102 - the program is the published one
    num_steps = {"pretraining": 0, "adversarial": spec.training.num_steps}
    losses: dict[str, np.ndarray] = worker.run_program(vars(program)[function], spec, seed=SEED, num_steps=num_steps)
    return losses


def judge(spec: GanSpec, folder: Path, /) -> None:
    """Run a program without and with a case, and keep what came of it."""
    tape, state = SeededTape(spec, seed=SEED, digits=DigitSource.parse(None)), initial_state(spec, seed=SEED)
    case = Case(Request(spec=spec, state=state, tape=tape, dtype="float64", seed=SEED, to_tensor=np.asarray))
    watching = Watching(case)
    plain, watched = run(spec, None), run(spec, watching)
    watching.finish()
    arrays = {name: watched[name] for name in _LOSSES} | {f"plain {name}": plain[name] for name in _LOSSES}
    np.savez(folder / f"{spec.name}.npz", **arrays)
    (folder / f"{spec.name}.json").write_text(json.dumps(case.judge().as_data()), encoding="utf-8")


if __name__ == "__main__":
    importlib.import_module("torch").set_num_threads(1)
    for order in sys.argv[2:]:
        gan, steps, batch_size = order.split(":")
        chosen = find_gan(gan)
        chosen = replace(chosen, batch_size=int(batch_size) or chosen.batch_size).with_steps(training=int(steps))
        judge(chosen, Path(sys.argv[1]))
