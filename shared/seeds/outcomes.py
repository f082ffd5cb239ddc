"""What came out of one training, in numbers: how good its samples are, where its losses ended, whether it collapsed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.data.turns import trained_steps
from gan_rosetta.shared.interface import Trainer, loss_label
from gan_rosetta.shared.quality.measure import measure_quality
from gan_rosetta.shared.runs.samples import discriminate
from gan_rosetta.shared.runs.training import TrainingResult
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.feeding import shown_when_asked

NOT_FINITE, COLLAPSED, STOPPED = "not finite", "collapsed", "stopped by its rule"
# Of the steps, at the end: losses jump from step to step, and their mean says where they are.
_LAST_SHARE = 0.1
# Samples that spread less than so much of what the real ones do are one sample over and over.
_COLLAPSED_BELOW = 0.1
_MOST_SCORED = 512
_ROUNDING = 1e2 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What came out of a training. numbers, units: by outcome; happened: what may happen to it, and whether it did."""

    numbers: Mapping[str, float]
    units: Mapping[str, str]
    happened: Mapping[str, bool] = field(default_factory=dict)


def measure_outcomes(
    trainer: Trainer,
    spec: GanSpec,
    result: TrainingResult,
    samples: Mapping[str, np.ndarray],
    /,
    *,
    is_as_declared: bool,
    steps_per_epoch: int | None,
) -> Outcomes:
    """Measure a training that has ended. samples: as in samples.npz; is_as_declared: as in measure_quality."""
    numbers: dict[str, float] = {}
    units: dict[str, str] = {}

    def add(name: str, value: float | None, unit: str) -> None:
        numbers[name] = float("nan") if value is None else float(value)
        units[name] = unit

    quality = measure_quality(samples, spec, is_as_declared=is_as_declared)
    for number in quality[:-1]:
        add(number.name, number.value, number.unit)
    spread = _spread(samples["real"])
    # Real samples that are all the same say nothing of how far others should be apart.
    add("spread of samples", _spread(samples["generated"]) / (spread or 1.0), "of the real samples'" if spread else "1")
    is_broken = bool(quality[-1].value)
    for name in spec.training.loss_names:
        trained = _trained(result, spec, name, steps_per_epoch=steps_per_epoch)
        is_broken = is_broken or not np.isfinite(trained).all()
        last = trained[-max(1, round(_LAST_SHARE * len(trained))) :]
        add(f"{loss_label(name)} at the end", float(np.mean(last)) if len(last) else None, "the loss's own")
    for kind in ("real", "generated"):
        shown = shown_when_asked(spec, samples[kind], samples["latent"])
        add(f"D's output on {kind} samples", _mean_score(trainer, spec, shown), "D's own")
    happened = {
        NOT_FINITE: is_broken,
        COLLAPSED: bool(spread) and bool(numbers["spread of samples"] < _COLLAPSED_BELOW),
    }
    if spec.training.stop is not None:
        happened[STOPPED] = result.stopped_at is not None
        add("last step", float(len(result.losses["generator"])), "steps")
    return Outcomes(numbers=numbers, units=units, happened=happened)


def _trained(result: TrainingResult, spec: GanSpec, name: str, *, steps_per_epoch: int | None) -> Floats:
    """Return a loss in those steps in which its player was trained."""
    values = result.losses[name]
    is_trained = trained_steps(
        spec, name, first_step=result.began.done, num_steps=len(values), steps_per_epoch=steps_per_epoch
    )
    return values[is_trained]


def _spread(samples: np.ndarray) -> float:
    """Return the root-mean-square distance of samples (n, ...) from their mean, those that are finite."""
    flat = np.asarray(samples, dtype=np.float64).reshape(len(samples), -1)
    flat = flat[np.isfinite(flat).all(axis=1)]
    if len(flat) < 2:
        return float("nan")
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.sqrt(np.mean(np.var(flat, axis=0))))
    # The mean of numbers that are all the same may round.
    return 0.0 if spread <= _ROUNDING * float(np.max(np.abs(flat))) else spread


def _mean_score(trainer: Trainer, spec: GanSpec, samples: np.ndarray) -> float:
    """Return the mean of D's first output on samples, (n, ...)."""
    scores = discriminate(trainer, spec, samples[:_MOST_SCORED])[:, 0]
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.mean(scores.astype(np.float64)))
