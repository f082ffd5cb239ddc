"""Laws on accuracy: every result, to the ends of the type, is covered by rounding or a known defect."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache

import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.accuracy.catalogue import OPERATIONS
from gan_rosetta.shared.accuracy.defects import DEFECTS
from gan_rosetta.shared.accuracy.findings import judge_results
from gan_rosetta.shared.accuracy.measure import measure_backend, measure_reference
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


@lru_cache(maxsize=64)
def _measure(operation, dtype):
    return measure_reference(OPERATIONS[operation], dtype)


def _assert_covered(backend, operation, *, dtype, execution):
    trainer_class = load_trainer(BACKENDS[backend])
    results = measure_backend(trainer_class, OPERATIONS[operation], device="cpu", dtype=dtype, execution=execution)
    rows = judge_results(
        OPERATIONS[operation],
        results,
        _measure(operation, dtype),
        backend=backend,
        dtype=dtype,
        execution=execution,
    )
    unexplained = [f"{row.quantity}: {each}" for row in rows for each in row.unexplained]
    assert not unexplained, "\n".join([f"{len(unexplained)} results are neither covered nor known:", *unexplained[:5]])


def test_scripts_show_the_known_defects_in_the_bare_framework(backend):
    for defect in DEFECTS:
        if backend in defect.scripts:
            script = defect.scripts[backend]
            command = [sys.executable, "-c", script.program]
            finished = subprocess.run(command, capture_output=True, text=True, check=False)
            assert finished.stdout.strip() == script.prints, finished.stderr[-500:]
