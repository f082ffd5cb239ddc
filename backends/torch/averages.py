"""A moving average of a network's weights: a second module whose tensors follow the first's.

torch.optim.swa_utils.AveragedModel counts its own updates in the module's buffers, copies the first and has one decay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gan_rosetta.shared import spec
from gan_rosetta.shared.state import averaged_as

Pair = tuple[Tensor, Tensor]


class Averages:
    """The tensors of an average, each with the one that it follows: (average, own)."""

    def __init__(self, average: spec.MovingAverage, /, *, parameters: Sequence[Pair], buffers: Sequence[Pair]) -> None:
        self.spec = average
        self._parameters = parameters
        self._buffers = buffers

    @torch.no_grad()
    def follow(self, share: Any, /) -> None:
        """Go a share of the way, a number or in traced code a tensor (); the spec says how much it is."""
        for kept, own in self._parameters:
            _move(kept, own, share)
        for kept, own in self._buffers:
            _move(kept, own, share if self.spec.buffers == "averaged" else 1.0)


def averages_of(gan: spec.GanSpec, tensors: Mapping[str, Tensor], /) -> Averages | None:
    """Return the averages among tensors by canonical name, or None where the GAN keeps none."""
    average = gan.training.generator_average
    if average is None:
        return None
    parameters, buffers = (
        [(tensors[name], tensors[own]) for name, own in averaged_as(gan, role).items()]
        for role in ("parameter", "buffer")
    )
    return Averages(average, parameters=parameters, buffers=buffers)


def _move(kept: Tensor, own: Tensor, share: Any) -> None:
    if isinstance(share, float):
        kept.copy_(own if share == 1.0 else kept + share * (own - kept))
    else:
        kept.copy_(torch.where(share == 1.0, own, kept + share * (own - kept)))
