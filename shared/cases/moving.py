"""Running statistics that a program moves in the backward pass, as Gluon's BatchNorm does: told by what they then are.

No fault is planted for it: what a pass of a trained step adds to them is in what the reference left of them.
"""

from __future__ import annotations

import math

import numpy as np

from gan_rosetta.shared.cases.walking import KeptStep, Walk
from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.tolerance import Tolerance, is_explained, num_copies
from gan_rosetta.shared.diagnose.explanation import Cause
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.interface import ProbeKey
from gan_rosetta.shared.spec import BatchNorm, GanSpec
from gan_rosetta.shared.spec.network import PlacedLayer
from gan_rosetta.shared.state import State

NAME = "mxnet:batch-norm-moved-in-backward"
_STATISTICS = ("running_mean", "running_var")


def find_moved_in_backward(walk: Walk, visit: Visit, /, *, dtype: str) -> Cause | None:
    """Return the cause where nothing is off but G's running statistics, and these are as Gluon moves them.

    D's update takes no backward pass through G: it leaves them bit for bit, and G's moves them once, by the statistics
    of its own pass. visit: the first step that is off, which must be the first of its phase: the same led to it.
    """
    spec, kept = walk.spec, walk.kept.get(visit)
    if kept is None or visit != Visit(phase="adversarial", step=0) or spec.training.first != "discriminator":
        return None
    norms = [placed for placed in spec.generator.placed if isinstance(placed.layer, BatchNorm)]
    buffers = {f"generator.{placed.name}.{each}" for placed in norms for each in _STATISTICS}
    off = {key for step in walk.kept.values() for key in step.off}
    if not norms or not off or any(key.quantity != "buffer" or key.name not in buffers for key in off):
        return None
    tolerance = Tolerance(num_copies=num_copies(spec), dtype=dtype)
    start = walk.starts[visit.phase]
    if not all(_is_moved_once(spec, placed, kept, start, tolerance) for placed in norms):
        return None
    return Cause(names=(NAME,), sentences=tuple(_sentences(spec, norms)))


def _is_moved_once(spec: GanSpec, placed: PlacedLayer, kept: KeptStep, start: State, tolerance: Tolerance, /) -> bool:
    norm = placed.layer
    if not isinstance(norm, BatchNorm):
        raise TypeError(f"{placed.name} is no BatchNorm")
    if norm.momentum == 0:
        return False
    num_numbers = spec.batch_size * math.prod(placed.input_shape[1:])
    for statistic in _STATISTICS:
        name = f"generator.{placed.name}.{statistic}"
        first, second = (ProbeKey(phase, "buffer", "", name) for phase in ("discriminator", "generator"))
        if not all(key in kept.quantities and key in kept.buffers for key in (first, second)):
            return False
        before = start[name]
        if not np.array_equal(kept.quantities[first], before):
            return False
        # The reference moved them twice; the statistic of the second pass, alone.
        own = (kept.buffers[second] - (1 - norm.momentum) * kept.buffers[first]) / norm.momentum
        if statistic == "running_var" and norm.running_variance == "unbiased":
            own = own * (num_numbers - 1) / num_numbers
        # MXNet keeps a momentum in float32.
        remains = float(np.float32(1 - norm.momentum))
        allowed = tolerance.allowed(max(kept.noise[first], kept.noise[second]))
        expected = remains * before + (1 - remains) * own
        if not is_explained(tensor_difference(kept.quantities[second], expected), allowed):
            return False
    return True


def _sentences(spec: GanSpec, norms: list[PlacedLayer], /) -> list[str]:
    names = ", ".join(f"generator.{placed.name}" for placed in norms)
    biased = any(isinstance(each.layer, BatchNorm) and each.layer.running_variance == "unbiased" for each in norms)
    also = ", and keeps the biased variance of each batch where the unbiased one is asked for" if biased else ""
    return [
        f"The running statistics of {names} are moved in the backward pass, as Gluon's own BatchNorm does{also}: the "
        "discriminator's update takes no backward pass through the generator, and leaves them as they are.",
        "It is a known difference between frameworks (docs/differences.md), and nothing else of the steps that were "
        f"seen is off, nor a loss: {spec.name} trains as it should, but what the generator makes in prediction mode is "
        "another.",
    ]
