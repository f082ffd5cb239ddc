"""Tensors laid into one vector, so that what is done to each number of all of them is one call an operation.

On a processor a call of torch takes microseconds, which is more than the numbers of a small network do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

# Numbers up to which a network is laid into a vector: what the vector's operations pass through stays in the cache.
_MOST_NUMBERS = 1 << 16
# Parts begin where torch's own tensors may, at 64 bytes: products look at where their factors begin.
_ALIGNED = 64


class Row:
    """A vector of zeros, and views of it in the shapes of some tensors, between which may be further zeros."""

    def __init__(self, like: Sequence[Tensor], /) -> None:
        first = like[0]
        step = _ALIGNED // first.element_size()
        sizes = [math.prod(tensor.shape) for tensor in like]
        starts = list(itertools.accumulate((-(-size // step) * step for size in sizes), initial=0))
        self.flat = torch.zeros(starts.pop(), dtype=first.dtype, device=first.device)
        self.parts = [
            self.flat[start : start + size].view(tensor.shape)
            for start, size, tensor in zip(starts, sizes, like, strict=True)
        ]

    def fill(self, tensors: Sequence[Tensor], /) -> None:
        """Copy tensors of these shapes into the parts."""
        torch._foreach_copy_(self.parts, tensors)


def lay_into_row(network: nn.Module, /) -> Row | None:
    """Return a row that a network's parameters are views of from now on, or None where they stay as they are."""
    parameters = list(network.parameters())
    if not parameters or sum(map(torch.numel, parameters)) > _MOST_NUMBERS:
        return None
    row = Row(parameters)
    with torch.no_grad():
        row.fill(parameters)
    for parameter, part in zip(parameters, row.parts, strict=True):
        parameter.data = part
    return row
