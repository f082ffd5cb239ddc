"""Whether the same steps, trained twice, are the same: bit for bit, or how far apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np

from gan_rosetta.benchmarks.record import Repeat
from gan_rosetta.shared.compare.distances import relative_difference, tensor_difference
from gan_rosetta.shared.interface import Losses


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What steps left: the losses of each chunk, (K,) each, and the whole state by canonical name."""

    losses: tuple[Losses, ...]
    state: Mapping[str, np.ndarray]

    @property
    def names(self) -> list[str]:
        """The losses that a step has, by their names in Losses; not what its rule looks at."""
        every = [field.name for field in fields(Losses) if field.name != "real_score"]
        return [name for name in every if getattr(self.losses[0], name) is not None]

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each loss over all steps, (num_steps,), and each tensor, by name."""
        for name in self.names:
            yield name, np.concatenate([np.atleast_1d(np.asarray(getattr(part, name))) for part in self.losses])
        yield from self.state.items()

    def digest(self) -> str:
        """Return the SHA-256 of every bit."""
        found = hashlib.sha256()
        for name, array in self.arrays():
            found.update(name.encode())
            found.update(np.ascontiguousarray(array).tobytes())
        return found.hexdigest()


def compare_trained(first: Trained, second: Trained, /) -> Repeat:
    """Return how far a second training of the same steps ended from the first."""
    ours, theirs = dict(first.arrays()), dict(second.arrays())
    losses = max(float(relative_difference(ours[name], theirs[name]).max(initial=0.0)) for name in first.names)
    state = max((tensor_difference(first.state[name], second.state[name]) for name in first.state), default=0.0)
    digest = first.digest()
    return Repeat(
        num_steps=len(ours["generator"]),
        same_bits=digest == second.digest(),
        loss_difference=_finite(losses),
        state_difference=_finite(state),
        last_losses=tuple(_last(ours[name]) for name in first.names if np.isfinite(ours[name]).any()),
        digest=digest,
    )


def _last(values: np.ndarray) -> float:
    return float(values[np.isfinite(values)][-1])


def _finite(difference: float) -> float:
    """JSON has no infinity."""
    return min(difference, float(np.finfo(np.float64).max))
