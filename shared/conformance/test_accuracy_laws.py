"""Laws on accuracy: every result, to the ends of the type, is covered by rounding or a known defect."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.accuracy.catalogue import OPERATIONS
from gan_rosetta.shared.accuracy.defects import DEFECTS
from gan_rosetta.shared.accuracy.findings import judge_results
from gan_rosetta.shared.accuracy.measure import measure_backend, measure_reference
from gan_rosetta.shared.conformance.frameworks import device_of
from gan_rosetta.shared.conformance.once import once
from gan_rosetta.shared.workers.registry import load_trainer

# Each takes a compiler seconds; `gan-rosetta accuracy` measures all of them compiled.
_COMPILED = (
    "sigmoid",
    "tanh",
    "softplus",
    "dropout",
    "bce",
    "cross-entropy",
    "mean-over-batch",
    "class-embedding",
    "dot",
    "upsample-bilinear",
    "batch-norm",
    "spectral-norm",
    "minibatch",
    "penalty",
    "adam",
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("operation", list(OPERATIONS))
def test_every_result_is_covered_eager(backend, operation, dtype):
    _assert_covered(backend, operation, dtype=dtype, execution="eager")


@pytest.mark.compiled
@pytest.mark.parametrize("operation", _COMPILED)
def test_every_result_is_covered_compiled(backend, operation):
    _assert_covered(backend, operation, dtype="float32", execution="compiled")


@once
def _measure(operation, dtype):
    return measure_reference(OPERATIONS[operation], dtype)


def _assert_covered(backend, operation, *, dtype, execution):
    trainer_class, device = load_trainer(BACKENDS[backend]), device_of(backend)
    results = measure_backend(trainer_class, OPERATIONS[operation], device=device, dtype=dtype, execution=execution)
    rows = judge_results(
        OPERATIONS[operation],
        results,
        _measure(operation, dtype),
        backend=backend,
        device=device,
        dtype=dtype,
        execution=execution,
    )
    unexplained = [f"{row.quantity}: {each}" for row in rows for each in row.unexplained]
    assert not unexplained, "\n".join([f"{len(unexplained)} results are neither covered nor known:", *unexplained[:5]])


# Each as a program of its own, in one process that imports the framework once.
_RUN_EACH = """
import json, sys
for program in json.loads(sys.argv[1]):
    exec(program, {"__name__": "__main__"})
    print(end="\\0", flush=True)
"""


def test_scripts_show_the_known_defects_in_the_bare_framework(backend):
    scripts = [defect.scripts[backend] for defect in DEFECTS if backend in defect.scripts]
    command = [sys.executable, "-c", _RUN_EACH, json.dumps([script.program for script in scripts])]
    # JAX would take a GPU where there is one.
    variables = {**os.environ, "JAX_PLATFORMS": "cpu"}
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    *printed, rest = finished.stdout.split("\0")
    assert rest == ""
    assert [each.strip() for each in printed] == [script.prints for script in scripts], finished.stderr[-500:]
