"""A moving average of G's weights: arrays of their own that follow G's, operator by operator, compiled or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import averaged_as


class Averages:
    """The arrays of an average, which stay the same ones. weights, buffers: in the order of G's own."""

    def __init__(self, spec: GanSpec, /, *, weights: Sequence[Any], buffers: Sequence[Any]) -> None:
        average = spec.training.generator_average
        if average is None:
            raise TypeError(f"{spec.name!r} keeps no moving average")
        self._average = average
        self._names = [*averaged_as(spec, "parameter"), *averaged_as(spec, "buffer")]
        self._weights = weights
        self.buffers = buffers

    def tensors(self) -> dict[str, Any]:
        """Return the arrays by canonical name."""
        return dict(zip(self._names, [*self._weights, *self.buffers], strict=True))

    def follow(self, own: Sequence[Any], /, *, num_updates: int) -> None:
        """Go the way of the update that comes after so many others. own: G's weights and buffers, after it."""
        share = self._average.share(num_updates)
        shares = [share] * len(self._weights)
        shares += [share if self._average.buffers == "averaged" else 1.0] * len(self.buffers)
        for kept, new, part in zip([*self._weights, *self.buffers], own, shares, strict=True):
            # Python numbers are exact in products with arrays, and not as attributes of operators.
            moved = new if part == 1.0 else kept + part * (new - kept)
            moved.copyto(kept)
