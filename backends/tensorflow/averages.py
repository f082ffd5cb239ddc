"""A moving average of a network's weights: a second network whose variables follow the first's.

tf.train.ExponentialMovingAverage makes variables of its own, and Keras's optimizers average what they train alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from gan_rosetta.shared import spec
from gan_rosetta.shared.state import averaged_as

Pair = tuple[Any, Any]


class Averages:
    """The variables of an average, each with the one that it follows: (average, own)."""

    def __init__(self, average: spec.MovingAverage, /, *, parameters: Sequence[Pair], buffers: Sequence[Pair]) -> None:
        self.spec = average
        self._parameters = parameters
        self._buffers = buffers

    def follow(self, share: Any, /) -> None:
        """Go a share of the way, a number or in traced code a tensor (); the spec says how much it is."""
        for kept, own in self._parameters:
            _move(kept, own, share)
        for kept, own in self._buffers:
            _move(kept, own, share if self.spec.buffers == "averaged" else 1.0)


def averages_of(gan: spec.GanSpec, tensors: Mapping[str, Any], /) -> Averages | None:
    """Return the averages among variables by canonical name, or None where the GAN keeps none."""
    average = gan.training.generator_average
    if average is None:
        return None
    parameters, buffers = (
        [(tensors[name], tensors[own]) for name, own in averaged_as(gan, role).items()]
        for role in ("parameter", "buffer")
    )
    return Averages(average, parameters=parameters, buffers=buffers)


def _move(kept: Any, own: Any, share: Any) -> None:
    if isinstance(share, float):
        kept.assign(own if share == 1.0 else kept + share * (own - kept))
    else:
        kept.assign(tf.where(share == 1.0, own, kept + share * (own - kept)))
