"""Whether a tape can feed a run as far as it goes: it has the steps, and no batch that a BatchNorm cannot take."""

from __future__ import annotations

from gan_rosetta.shared.data.tape import SeededTape, Tape
from gan_rosetta.shared.data.tape_file import FileTape
from gan_rosetta.shared.errors import DataError, TapeError
from gan_rosetta.shared.interface import Phase
from gan_rosetta.shared.spec import DigitsReal, GanSpec


def check_reach(tape: Tape, spec: GanSpec, /, *, phase: Phase = "pretraining", done: int = 0) -> None:
    """Raise TapeError or DataError unless a tape can feed a run from a place to the end of the GAN's own steps.

    phase, done: so many steps of a phase, and all of the phases before, are behind the run.
    """
    pretraining = spec.num_pretraining_steps
    if phase == "pretraining" and done < pretraining:
        _require_steps(tape, "pretraining", pretraining, option="--pretrain-steps")
    first, stop = (done if phase == "adversarial" else 0), spec.training.num_steps
    _require_steps(tape, "adversarial", stop, option="--steps")
    _require_variances(tape, spec, first=first, stop=stop)


def _require_steps(tape: Tape, phase: Phase, num_steps: int, *, option: str) -> None:
    found = tape.num_steps(phase)
    if found is not None and found < num_steps and isinstance(tape, FileTape):
        kind = "pretraining steps" if phase == "pretraining" else "steps"
        raise TapeError(
            f"{tape.path} has {found} {kind}, and the run goes up to {num_steps}; give {option} {found} or fewer, or a "
            "tape that is as long"
        )


def _require_variances(tape: Tape, spec: GanSpec, *, first: int, stop: int) -> None:
    """Raise where a batch that a run reaches leaves a BatchNorm a single value a channel."""
    layer = spec.batch_norm_of_one(1)
    period = tape.period("batch_size") if isinstance(tape, SeededTape | FileTape) else None
    if layer is None:
        return
    for step in range(first, stop if period is None else min(stop, first + period)):
        if tape.batch_size("adversarial", step) > 1:
            continue
        end = f", or --steps {step} to end before it" if step > first else ""
        found = f"the BatchNorm {layer} would see one value a channel in step {step}, which has no variance"
        if isinstance(tape, FileTape):
            raise TapeError(f"{found}: batch_size of {tape.path} is 1 there; give that batch 2 samples or more{end}")
        kind = "image" if isinstance(spec.real, DigitsReal) else "point"
        raise DataError(
            f"{found}: the last batch of the epoch is the 1 {kind} that batches of {spec.batch_size} leave; take "
            f"another batch size (--batch-size) or number of {kind}s (num_{kind}s in a --spec){end}"
        )


def cut_to_tape(spec: GanSpec, tape: Tape, /) -> GanSpec:
    """Return the GAN with no more steps than its tape has, for whoever looks only as far as there is something."""
    found = tape.num_steps("adversarial")
    return spec if found is None else spec.with_steps(training=min(spec.training.num_steps, found))
