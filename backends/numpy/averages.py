"""A moving average of a network's weights: a second network that follows the first."""

from __future__ import annotations

import numpy as np

from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.backends.numpy.network import Network
from gan_rosetta.backends.numpy.rounding import RandomRounding
from gan_rosetta.shared import spec


class AveragedNetwork:
    """A network that follows another after each of its updates. network: the one that follows, a network like it."""

    def __init__(self, average: spec.MovingAverage, own: Network, network: Network, /) -> None:
        self._spec = average
        self._own = own
        self.network = network

    def follow(self, num_updates: int, rounding: RandomRounding | None, /) -> None:
        """Go the way that the update says which comes after so many others; rounding disturbs what is no copy."""
        share = self._spec.share(num_updates)
        averages_buffers = self._spec.buffers == "averaged"
        _move(self.network.parameters.flat, self._own.parameters.flat, share, rounding)
        _move(self.network.buffers.flat, self._own.buffers.flat, share if averages_buffers else 1.0, rounding)

    def by_name(self) -> dict[str, Array]:
        """Return its parameters and buffers, live, by the canonical names of those that they follow."""
        return self.network.by_name(self.network.parameters) | self.network.by_name(self.network.buffers)


def _move(average: Array, own: Array, share: float, rounding: RandomRounding | None) -> None:
    """Move an average a share of the way, in place: average ← average + share · (own - average)."""
    if share == 1.0:
        np.copyto(average, own)
        return
    step = own - average
    step *= share
    average += step
    if rounding is not None:
        # As an update's parameter, the average is a sum of two numbers; what did not move is the same everywhere.
        np.abs(step, out=step)
        np.add(step, np.abs(average), out=step, where=step != 0.0)
        rounding.disturb(average, scale=step)
