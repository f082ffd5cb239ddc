"""Runs an operation's trials on a backend, on the reference and its copies, and in extended precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.envelope import NUM_COPIES, allowed_differences
from gan_rosetta.shared.accuracy.operation import Operation, Outcome
from gan_rosetta.shared.compare.tolerance import Tolerance
from gan_rosetta.shared.interface import Dtype, PerturbedTrainer, Trainer
from gan_rosetta.shared.workers.registry import build_reference

Results = dict[str, np.ndarray]
"""For each quantity its numbers, (rows, entries), the rows of all trials one after the other."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What a backend's results are held to, by quantity: the reference's, what is allowed from it, and the truth.

    truth: in extended precision. scales: (rows,), the least that a row is judged beside: of a loss, what it is made of.
    allowed: (rows,), beside a row's largest entry or its scale; infinite where a copy alone is not finite.
    """

    reference: Results
    scales: dict[str, NDArray[np.float64]]
    allowed: dict[str, NDArray[np.float64]]
    truth: Results


def run_trials(trainer: Trainer, operation: Operation, dtype: Dtype, /) -> Results:
    """Return what a trainer of the operation's GAN gives, in its type."""
    outcomes = []
    for trial in operation.trials(dtype):
        trainer.load_state(operation.state(trial))
        losses = trainer.train(trainer.stage(operation.chunk(trial)))
        outcomes.append(Outcome(losses=losses, state=trainer.export_state()))
    return _collected(operation, outcomes)


def measure_reference(operation: Operation, dtype: Dtype, /) -> Measure:
    """Return what a backend's results are held to; raises UsageError where there is no extended precision."""
    exact.require_extended()
    trainer = build_reference(operation.spec, dtype=dtype)
    reference = run_trials(trainer, operation, dtype)
    copies, scales = _run_copies(trainer, operation, dtype)
    allowed = {
        name: allowed_differences(array, [copy[name] for copy in copies], scales=scales[name], dtype=dtype)
        for name, array in reference.items()
    }
    return Measure(reference=reference, scales=scales, allowed=allowed, truth=_truth(operation, dtype))


def labels(operation: Operation, dtype: Dtype, /) -> dict[str, tuple[float | str, ...]]:
    """Return for each quantity what its rows stand for."""
    trials = operation.trials(dtype)
    return {q.name: tuple(label for trial in trials for label in q.labels(trial)) for q in operation.quantities}


def _run_copies(
    trainer: PerturbedTrainer, operation: Operation, dtype: Dtype
) -> tuple[list[Results], dict[str, NDArray[np.float64]]]:
    """Return what each copy gives, and the scales of each quantity's rows."""
    coarseness = Tolerance(num_copies=NUM_COPIES, dtype=dtype).coarseness
    copies = trainer.perturbed_copies(seeds=range(NUM_COPIES), coarseness=coarseness)
    outcomes: list[list[Outcome]] = [[] for _ in range(NUM_COPIES)]
    scales: dict[str, list[np.ndarray]] = {quantity.name: [] for quantity in operation.quantities}
    for trial in operation.trials(dtype):
        copies.load_states([operation.state(trial)] * NUM_COPIES)
        losses = copies.train(operation.chunk(trial))
        of_losses = copies.loss_scales()
        for quantity in operation.quantities:
            zeros = np.zeros(len(quantity.labels(trial)))
            scales[quantity.name].append(np.nan_to_num(of_losses[quantity.loss]) if quantity.loss else zeros)
        for own, left, state in zip(outcomes, losses, copies.states(), strict=True):
            own.append(Outcome(losses=left, state=state))
    joined = {name: np.concatenate(parts).astype(np.float64) for name, parts in scales.items()}
    return [_collected(operation, own) for own in outcomes], joined


def _truth(operation: Operation, dtype: Dtype) -> Results:
    """Return the reference's own formulas in extended precision, or the quantity's truth where it has one."""
    # Here, since only this knows the reference from within.
    from gan_rosetta.backends.numpy.chunks import as_losses, stage_chunk, train_chunk  # noqa: PLC0415
    from gan_rosetta.backends.numpy.step import Stepper  # noqa: PLC0415

    wide = np.dtype(exact.Extended)
    stepper = Stepper(operation.spec, wide)
    outcomes = []
    trials = operation.trials(dtype)
    for trial in trials:
        stepper.load_state(operation.state(trial))
        columns = train_chunk(stepper, stage_chunk(operation.chunk(trial), wide), wide)
        losses = as_losses(columns, operation.phase, operation.spec)
        outcomes.append(Outcome(losses=losses, state=stepper.export_state()))
    found = _collected(operation, outcomes)
    with np.errstate(all="ignore"):
        for quantity in operation.quantities:
            if quantity.truth is not None:
                found[quantity.name] = np.concatenate([quantity.truth(trial.arguments) for trial in trials])
    return found


def _collected(operation: Operation, outcomes: list[Outcome]) -> Results:
    return {q.name: np.concatenate([q.read(outcome) for outcome in outcomes]) for q in operation.quantities}


def errors_in_ulp(results: np.ndarray, truth: np.ndarray, /, *, dtype: Dtype) -> NDArray[np.float64]:
    """Return the largest error of each row (rows, entries), in units of the last place of the row's largest true entry.

    0 where both are infinite or not numbers alike, infinity where only one is. A truth beyond the type's largest number
    is infinite.
    """
    with np.errstate(all="ignore"):
        rounded = truth.astype(dtype)
        true = np.where(np.isfinite(rounded), truth, rounded.astype(exact.Extended))
        apart = np.abs(results.astype(exact.Extended) - true)
        alike = (results == rounded) | (np.isnan(results) & np.isnan(rounded))
        apart = np.where(~np.isfinite(apart), np.where(alike, 0, np.inf), apart)
        return np.asarray(np.max(apart, axis=1) / _unit(truth, dtype), np.float64)


def measure_backend(
    trainer_class: Any, operation: Operation, /, *, device: str, dtype: Dtype, execution: str
) -> Results:
    """Return what a backend gives."""
    trainer = trainer_class.build(operation.spec, device=device, dtype=dtype, execution=execution)
    return run_trials(trainer, operation, dtype)


def allowed_in_ulp(measure: Measure, quantity: str, /, *, dtype: Dtype) -> NDArray[np.float64]:
    """Return what is allowed of each row in ulp of its largest true entry, the reference's own error added."""
    reference = measure.reference[quantity]
    with np.errstate(all="ignore"):
        size = np.max(np.where(np.isfinite(reference), np.abs(reference.astype(np.float64)), 0), axis=1)
        scale = np.maximum(size, measure.scales[quantity])
        unit = _unit(measure.truth[quantity], dtype)
        own = errors_in_ulp(reference, measure.truth[quantity], dtype=dtype)
        return np.asarray(own + measure.allowed[quantity] * scale / unit, np.float64)


def _unit(truth: np.ndarray, dtype: Dtype) -> NDArray[np.float64]:
    """Return a unit in the last place of the largest true entry of each row."""
    with np.errstate(all="ignore"):
        rounded = np.abs(truth.astype(dtype))
        scale = np.max(np.where(np.isfinite(rounded), rounded, 0), axis=1)
        return np.spacing(np.minimum(scale, np.finfo(dtype).max).astype(dtype)).astype(np.float64)
