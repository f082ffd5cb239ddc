"""Laws on accuracy: every result, to the ends of the type, is covered by rounding or a known defect."""

from __future__ import annotations

from functools import lru_cache

import pytest

from backends import BACKENDS
from shared.accuracy.catalogue import OPERATIONS
from shared.accuracy.findings import judge_results
from shared.accuracy.measure import measure_backend, measure_reference
from shared.harness.registry import load_trainer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("operation", list(OPERATIONS))
def test_every_result_is_covered_eager(backend, operation, dtype):
    _assert_covered(backend, operation, dtype=dtype, execution="eager")


@pytest.mark.compiled
@pytest.mark.parametrize("operation", list(OPERATIONS))
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
