"""How many updates each of many replicas has made: those that train side by side share one count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.schema import counter_name, optimizers


class UpdateCounts:
    """The updates that each replica's optimizers have made, by optimizer."""

    def __init__(self, spec: GanSpec, /, *, num_replicas: int) -> None:
        self._names: tuple[str, ...] = tuple(optimizers(spec))
        self._counts: list[dict[str, int]] = [dict.fromkeys(self._names, 0) for _ in range(num_replicas)]

    def load(self, replica: int, state: Mapping[str, np.ndarray], /) -> None:
        """Take a replica's counts from its state."""
        self._counts[replica] = {name: int(state[counter_name(name)]) for name in self._names}

    def as_tensors(self, replica: int, /) -> dict[str, np.ndarray]:
        """Return a replica's counts as its state has them."""
        return {counter_name(name): np.array(count, np.int64) for name, count in self._counts[replica].items()}

    def shared_by(self, replicas: Iterable[int], /) -> Mapping[str, int]:
        """Return the counts of some, at least one, which they have alike; raises UsageError where they have not."""
        first, *others = [self._counts[replica] for replica in replicas]
        if any(other != first for other in others):
            raise UsageError("replicas that train side by side have made unequal numbers of updates; train them apart")
        return first

    def move(self, replicas: Iterable[int], counts: Mapping[str, int], /) -> None:
        """Say how many updates some have made by now."""
        for replica in replicas:
            self._counts[replica] = dict(counts)
