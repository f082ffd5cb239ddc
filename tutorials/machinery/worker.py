"""The process that runs one lesson's program, as a reader would run it, and keeps what it leaves.

Run as `python -m tutorials.machinery.worker ORDER`, with the order as JSON: {"program", "inputs", "out",
"parameters", "has_pretraining"}; a list of orders runs one after the other. The program is executed in the folder with
its tape and state; the parameters replace the numbers that it gives those names. It leaves `losses`, `frames`,
`samples`, and for 1D data `boundaries`.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from gan_rosetta.shared.compare.yardstick import LOSS_NAMES
from gan_rosetta.shared.errors import UsageError
from tutorials.machinery.inputs import inputs_digests
from tutorials.machinery.record import LessonRecord, write_record

RECORD_FILE = "record.npz"
FIGURE_FILE = "figure.png"
_DOTS_PER_INCH = 144


def parse_program(path: Path, parameters: Mapping[str, int], /) -> ast.Module:
    """Return a program with its parameters set; raises UsageError where it does not assign one exactly once."""
    module = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for name, value in parameters.items():
        places = [
            statement
            for statement in module.body
            if isinstance(statement, ast.Assign) and [_name(target) for target in statement.targets] == [name]
        ]
        if len(places) != 1:
            raise UsageError(f"{path} assigns {name} {len(places)} times at its top level; expected once")
        places[0].value = ast.copy_location(ast.Constant(value), places[0].value)
    return module


def run_program(path: Path, inputs: Path, out: Path, parameters: Mapping[str, int], /) -> None:
    """Execute a program in the folder of its inputs and write its record and its last figure."""
    code = compile(parse_program(path, parameters), str(path), "exec")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    before = Path.cwd()
    os.chdir(inputs)
    try:
        exec(code, namespace)  # noqa: S102 - the program is the lesson
        digests = inputs_digests(Path())
    finally:
        os.chdir(before)
    _save_figure(out / FIGURE_FILE)
    write_record(out / RECORD_FILE, gather(path, namespace, digests))


def gather(path: Path, namespace: Mapping[str, Any], digests: Mapping[str, str], /) -> LessonRecord:
    """Return what a program left in its namespace; raises UsageError where that is not what a lesson leaves."""
    for name in ("losses", "frames", "samples"):
        if name not in namespace:
            raise UsageError(f"{path} leaves no {name}; a lesson's program ends with losses, frames and samples")
    samples = np.asarray(namespace["samples"])
    if samples.dtype != np.float64:
        raise UsageError(f"{path} leaves samples of {samples.dtype}; lessons compute in float64 throughout")
    return LessonRecord(
        digests=digests,
        losses={
            name: np.array(namespace["losses"].get(name, []), dtype=np.float64)
            for name in LOSS_NAMES
            if name != "joint" or name in namespace["losses"]
        },
        samples=samples,
        frames={step: np.asarray(values) for step, values in namespace["frames"].items()},
        boundaries={step: np.asarray(values) for step, values in namespace.get("boundaries", {}).items()},
    )


def _save_figure(path: Path) -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    if pyplot.get_fignums():
        pyplot.gcf().savefig(path, dpi=_DOTS_PER_INCH, bbox_inches="tight", facecolor="white")
    pyplot.close("all")


def _name(target: ast.expr) -> str | None:
    return target.id if isinstance(target, ast.Name) else None


if __name__ == "__main__":
    mpl.use("Agg")
    for order in json.loads(sys.argv[1]):
        run_program(Path(order["program"]), Path(order["inputs"]), Path(order["out"]), order["parameters"])
