"""Parity first: a cell's first losses against the reference's, by the project's own yardstick and verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_rosetta.backends import REFERENCE
from gan_rosetta.benchmarks.record import Parity
from gan_rosetta.benchmarks.runner import tape_digests
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.tolerance import num_copies
from gan_rosetta.shared.compare.verdict import judge
from gan_rosetta.shared.compare.yardstick import Yardstick, YardstickFollower
from gan_rosetta.shared.data.tape import Tape, chunks
from gan_rosetta.shared.interface import Losses, PerturbedTrainer
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.state import State
from gan_rosetta.shared.workers.registry import build_reference

_MOST_STEPS = 100
# What the reference and its copies may spend on one GAN in one type: some ten seconds of a core.
_REFERENCE_FLOPS = 1.5e11
_STEPS_AT_ONCE = 50


@dataclass(frozen=True, kw_only=True)
class ReferenceRun:
    """The reference's first losses, (num_steps,) by name, and the yardstick that was measured on them, as data.

    tape_digests: of its first step, of its first two, and so on, by their number: a cell may have taken fewer.
    steps_per_epoch: of the tape.
    """

    tape_digests: Mapping[str, str]
    losses: Mapping[str, list[float]]
    yardstick: Mapping[str, Any]
    steps_per_epoch: int | None = None


def parity_steps(spec: GanSpec, /) -> int:
    """Return how many first steps are judged: as many as the reference can afford, 100 at most and one at least."""
    affordable = _REFERENCE_FLOPS / (step_flops(spec) * (1 + num_copies(spec)))
    return max(1, min(_MOST_STEPS, spec.training.num_steps, int(affordable)))


def run_reference(
    spec: GanSpec, tape: Tape, state: State, /, *, dtype: str, seed: int, num_steps: int, products: str = "full"
) -> dict[str, Any]:
    """Train the reference and its perturbed copies, in the cells' type; returns a ReferenceRun as plain data."""

    def build() -> PerturbedTrainer:
        return build_reference(spec, dtype=dtype)

    trainer = build()
    trainer.load_state(state)
    follower = YardstickFollower.start(build, spec, state, dtype=dtype, seed=seed, products=products)
    taken = list(chunks(tape, spec, "adversarial", first_step=0, stop=num_steps, size=_STEPS_AT_ONCE))
    parts: list[Losses] = []
    for chunk in taken:
        parts.append(trainer.train(trainer.stage(chunk)))
        follower.follow(chunk, parts[-1])
    return {
        "tape_digests": tape_digests(taken, num_steps),
        "losses": {
            name: [float(v) for part in parts for v in np.asarray(getattr(part, name), np.float64)]
            for name in spec.training.loss_names
        },
        "yardstick": follower.finish().as_data(),
        "steps_per_epoch": tape.steps_per_epoch(),
    }


def judge_cell(
    reference: ReferenceRun,
    losses: Mapping[str, list[float]],
    digest: str,
    /,
    *,
    spec: GanSpec,
    precision: str,
    name: str,
) -> Parity:
    """Return how a cell's first losses compare with the reference's; digest: of the tape that the cell was fed."""
    num_steps = len(losses["generator"])
    theirs = {key: values[:num_steps] for key, values in reference.losses.items()}
    epoch = reference.steps_per_epoch
    pair = judge(
        _evidence(REFERENCE, theirs, reference.tape_digests, spec=spec, precision=precision, steps_per_epoch=epoch),
        _evidence(name, losses, {str(num_steps): digest}, spec=spec, precision=precision, steps_per_epoch=epoch),
        Yardstick.from_data(reference.yardstick),
        spec,
    )
    largest = pair.largest if np.isfinite(pair.largest) else float(np.finfo(np.float64).max)
    return Parity(
        verdict=pair.verdict,
        reason=pair.reason,
        dtype=precision,
        num_steps=num_steps,
        judged_steps=pair.checked_steps,
        largest=largest,
    )


def first_outside(reference: ReferenceRun, losses: Mapping[str, list[float]], /) -> str:
    """Say where losses first lie further from the reference than is allowed, "" where nowhere.

    As far as the copies were followed, however far apart they are: a coarse check, for where no verdict is possible.
    """
    yardstick = Yardstick.from_data(reference.yardstick)
    for name in reference.losses:
        differences = yardstick.loss_differences(name, np.array(losses[name]), np.array(reference.losses[name]))
        allowed = yardstick.allowed_losses(name)[: len(differences)]
        outside = np.flatnonzero(~(differences[: len(allowed)] <= allowed))
        if len(outside):
            step = int(outside[0])
            return f"{name}'s loss at step {step}: {differences[step]:.1e} apart, rounding explains {allowed[step]:.1e}"
    return ""


def _evidence(
    name: str,
    losses: Mapping[str, list[float]],
    tape_digests: Mapping[str, str],
    /,
    *,
    spec: GanSpec,
    precision: str,
    steps_per_epoch: int | None,
) -> Evidence:
    return Evidence(
        name=name,
        precision=precision,
        identity={"spec": spec_digest(spec), "precision": precision},
        tape_digests={"adversarial": tape_digests},
        losses={"pretraining": np.zeros(0)} | {key: np.array(values) for key, values in losses.items()},
        moments={},
        steps_per_epoch=steps_per_epoch,
    )
