"""What runs generated at each moment of training, as the page, the film and TensorBoard show it.

Backends of a GAN are looked at after the same steps. Where one lacks a moment, since it took fewer steps, what it
showed last stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec

_REACH = 3.0
MAGNITUDE_SHOWN = 1e6


class Moment(NamedTuple):
    """Steps done of each phase."""

    pretraining: int
    adversarial: int


@dataclass(frozen=True, kw_only=True)
class Look:
    """A run at a moment.

    For 1D data boundary_x and boundary_y (m,), edges (bins + 1,) and density (bins,) of what is generated; for other
    data generated (n, ...). What does not belong to the GAN's data is empty.
    """

    moment: Moment
    generated: Floats
    boundary_x: Floats
    boundary_y: Floats
    edges: Floats
    density: Floats


def looks_of(run: Run, /) -> list[Look]:
    """Return what a run showed, moment by moment; its end alone where it was kept by a version that looked only then.

    The last is of samples.npz, and so finer than the others.
    """
    arrays = run.moments
    looks = []
    empty = np.zeros(0)
    for index in range(len(arrays["adversarial_steps"]) - 1 if arrays else 0):
        moment = Moment(int(arrays["pretraining_steps"][index]), int(arrays["adversarial_steps"][index]))
        is_one = "boundary_x" in arrays
        looks.append(
            Look(
                moment=moment,
                generated=empty if is_one else arrays["generated"][index],
                boundary_x=arrays["boundary_x"] if is_one else empty,
                boundary_y=arrays["boundary_y"][index] if is_one else empty,
                edges=arrays["histogram_edges"] if is_one else empty,
                density=arrays["histogram_generated"][index] if is_one else empty,
            )
        )
    return [*looks, _end(run)]


def _end(run: Run) -> Look:
    samples, arrays, empty = run.samples, run.moments, np.zeros(0)
    if arrays:
        moment = Moment(int(arrays["pretraining_steps"][-1]), int(arrays["adversarial_steps"][-1]))
    else:
        moment = Moment(len(run.losses["pretraining"]), len(run.losses["generator"]))
    num_shown = len(arrays["generated"][-1]) if "generated" in arrays else None
    return Look(
        moment=moment,
        generated=samples["generated"][:num_shown],
        boundary_x=samples.get("boundary_x", empty),
        boundary_y=samples.get("boundary_y", empty),
        edges=samples.get("histogram_edges", empty),
        density=samples.get("histogram_generated", empty),
    )


def all_moments(looks: Iterable[Sequence[Look]], /) -> list[Moment]:
    """Return every moment at which any run was looked at, ascending."""
    return sorted({look.moment for of_run in looks for look in of_run})


def look_at(looks: Sequence[Look], moment: Moment, /) -> Look:
    """Return what a run showed last by a moment; what it showed first where it began later."""
    return next((look for look in reversed(looks) if look.moment <= moment), looks[0])


def moment_text(moment: Moment, last: Moment, /) -> str:
    """Say when a moment is."""
    if moment == last:
        return f"step {moment.adversarial}, the end"
    if moment.adversarial:
        return f"step {moment.adversarial} of {last.adversarial}"
    if moment.pretraining:
        return f"after {moment.pretraining} steps of pretraining"
    return "before the first step"


def boundary_limits(boundaries: Sequence[Floats], spec: GanSpec, /) -> tuple[float, float]:
    """Return one scale for all decision boundaries."""
    if spec.training.discriminator_loss.score == "probability":
        return (-0.02, 1.05)
    values = np.concatenate(boundaries)
    values = np.clip(values[np.isfinite(values)], -MAGNITUDE_SHOWN, MAGNITUDE_SHOWN)
    if not len(values):
        return (0.0, 1.0)
    margin = 0.05 * float(np.ptp(values)) or 1.0
    return (float(values.min()) - margin, float(values.max()) + margin)


def highest_density(looks: Iterable[Look], real: Floats, /) -> float:
    """Return up to where densities are shown: all of them, unless one is far higher than the real one."""
    highest = float(np.max(real, initial=0.0))
    reached = max((float(np.max(look.density, initial=0.0)) for look in looks), default=0.0)
    return 1.08 * min(max(highest, reached), _REACH * highest or 1.0) or 1.0


def value_limits(looks: Iterable[Look], real: np.ndarray, /) -> tuple[float, float]:
    """Return one range for the values of all looks: the real samples', and of the generated what is near them."""
    real = np.asarray(real, dtype=np.float64)
    real = real[np.isfinite(real)]
    low, high = (float(real.min()), float(real.max())) if len(real) else (-1.0, 1.0)
    middle = (low + high) / 2
    reach = _REACH * max(high - low, 1e-9) / 2
    for look in looks:
        values = np.asarray(look.generated, dtype=np.float64)
        near = values[np.isfinite(values) & (np.abs(values - middle) <= reach)]
        low, high = min(low, float(near.min(initial=low))), max(high, float(near.max(initial=high)))
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin
