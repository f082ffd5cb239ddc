"""Running statistics that a program moves in the backward pass, as Gluon's BatchNorm does: told by what they then are.

No fault is planted for it: what each pass of a trained step adds to them is in what the reference computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gan_rosetta.shared.cases.walking import KeptStep, Walk
from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.tolerance import Tolerance, is_explained, num_copies
from gan_rosetta.shared.diagnose.explanation import Cause
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.interface import ProbeKey
from gan_rosetta.shared.spec import BatchNorm, GanSpec
from gan_rosetta.shared.state import State

NAME = "mxnet:batch-norm-moved-in-backward"
_STATISTICS = ("running_mean", "running_var")


def find_moved_in_backward(walk: Walk, visit: Visit, /, *, dtype: str) -> Cause | None:
    """Return the cause where nothing is off but running statistics, and these are as Gluon moves them.

    D's update takes no backward pass through G: it leaves G's bit for bit, and G's moves them by its own passes. D's
    are moved by each of its passes, in their order or in that of their derivatives. visit: the first step that is off,
    which must be the first of its phase: the same led to it.
    """
    spec, kept = walk.spec, walk.kept.get(visit)
    if kept is None or visit != Visit(phase="adversarial", step=0):
        return None
    norms, phases = list(_norms(spec)), _phases(spec, kept)
    buffers = {f"{norm.name}.{each}" for norm in norms for each in _STATISTICS}
    off = {key for step in walk.kept.values() for key in step.off}
    # Where a pass of G in D's phase moves nothing, that it is the derivative's doing is plain.
    in_both = [ProbeKey("discriminator", "output", "fake", norm.name) for norm in norms if norm.of_g]
    is_plain = any(key in kept.reference for key in in_both)
    if not is_plain or not off or any(key.quantity != "buffer" or key.name not in buffers for key in off):
        return None
    tolerance = Tolerance(num_copies=num_copies(spec), dtype=dtype)
    start = walk.starts[visit.phase]
    if not all(_is_moved_so(norm, kept, start, phases, tolerance) for norm in norms):
        return None
    return Cause(names=(NAME,), sentences=tuple(_sentences(spec, norms)))


@dataclass(frozen=True, kw_only=True)
class _Norm:
    """A BatchNorm by its name, with that of the layer before it, "" where there is none."""

    name: str
    before: str
    layer: BatchNorm

    @property
    def of_g(self) -> bool:
        return self.name.startswith("generator.")


def _norms(spec: GanSpec, /) -> Iterator[_Norm]:
    for network, layers in spec.networks().items():
        before = ""
        for placed in layers.placed:
            name = f"{network}.{placed.name}"
            if isinstance(placed.layer, BatchNorm):
                yield _Norm(name=name, before=before, layer=placed.layer)
            before = name


def _is_moved_so(norm: _Norm, kept: KeptStep, start: State, phases: Sequence[str], tolerance: Tolerance, /) -> bool:
    # MXNet keeps a momentum in float32, on the old value.
    remains = float(np.float32(1 - norm.layer.momentum))
    for statistic in _STATISTICS:
        buffer = f"{norm.name}.{statistic}"
        value = np.asarray(start[buffer])
        for phase in phases:
            key = ProbeKey(phase, "buffer", "", buffer)
            seen = kept.quantities.get(key)
            passes = _trained_passes(norm, kept, phase)
            if seen is None or passes is None:
                return False
            if not passes:
                if not np.array_equal(seen, value):
                    return False
                continue
            moves = [_statistic(statistic, each) for each in passes]
            allowed = tolerance.allowed(kept.noise[key])
            orders = (moves, moves[::-1])
            if not any(is_explained(tensor_difference(seen, _moved(value, o, remains)), allowed) for o in orders):
                return False
            value = seen
    return True


def _statistic(name: str, batch: np.ndarray) -> np.ndarray:
    axes = (0, *range(2, batch.ndim))
    return np.asarray(batch.mean(axis=axes) if name == "running_mean" else batch.var(axis=axes))


def _phases(spec: GanSpec, kept: KeptStep) -> list[str]:
    second = "generator" if spec.training.first == "discriminator" else "discriminator"
    present = {key.phase for key in kept.reference}
    return [phase for phase in (spec.training.first, second) if phase in present]


def _trained_passes(norm: _Norm, kept: KeptStep, phase: str) -> list[np.ndarray] | None:
    """Return what a layer was given in each pass that a phase takes the derivative of; None where that is not known."""
    if norm.of_g and phase == "discriminator":
        return []
    keys = [key for key in kept.reference if key.quantity == "output" and key.name == norm.name]
    # A batch that serves both updates was made in the phase of D.
    own = [key for key in keys if key.phase == phase] or keys
    given = [kept.reference.get(key._replace(name=norm.before)) for key in own]
    known = [each for each in given if each is not None]
    return known if known and len(known) == len(given) else None


def _moved(value: np.ndarray, moves: Sequence[np.ndarray], remains: float) -> np.ndarray:
    for move in moves:
        value = remains * value + (1 - remains) * move
    return value


def _sentences(spec: GanSpec, norms: Sequence[_Norm], /) -> list[str]:
    names = ", ".join(norm.name for norm in norms)
    biased = any(norm.layer.running_variance == "unbiased" for norm in norms)
    also = ", and keeps the biased variance of each batch where the unbiased one is asked for" if biased else ""
    return [
        f"The running statistics of {names} are moved in the backward pass and with a momentum in float32, as Gluon's "
        f"own BatchNorm does{also}: the discriminator's update takes no backward pass through the generator, and "
        "leaves the generator's as they are.",
        "It is a known difference between frameworks (docs/differences.md), and nothing else of the steps that were "
        f"seen is off, nor a loss: {spec.name} trains as it should, but what its networks make in prediction mode is "
        "another.",
    ]
