"""How far a small change moves what the judge looks at, per unit of the change, and how small a one it would see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gan_rosetta.shared.compare.distances import Floats, tensor_difference
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.yardstick import END, Yardstick
from gan_rosetta.shared.interface import loss_label

# The largest difference that two numbers of one sign can have: beyond it nothing is judged.
_ANYTHING = 1.0


@dataclass(frozen=True, kw_only=True)
class Response:
    """What a change of relative size `size` does, over that size.

    losses: by name the largest difference so far, (steps,). tensors: by moment and name the difference there.
    """

    size: float
    losses: dict[str, Floats]
    tensors: dict[str, dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Sight:
    """smallest: (steps + 1,), the smallest change that is seen of a run of so many steps; where: in which quantity."""

    smallest: Floats
    where: str


def measure_response(right: Evidence, changed: Evidence, yardstick: Yardstick, /, *, size: float) -> Response:
    """Return how far a changed run is from the right one, over the size of the change."""
    losses = {
        name: np.maximum.accumulate(yardstick.loss_differences(name, right.losses[name], changed.losses[name])) / size
        for name in yardstick.noise
        if name != "pretraining"
    }
    tensors = {
        label: {
            name: tensor_difference(right.moments[label][name], changed.moments[label][name]) / size
            for name in noise
            if name in right.moments[label] and not name.endswith(".step")
        }
        for label, noise in yardstick.tensors.items()
        if label in right.moments
    }
    return Response(size=size, losses=losses, tensors=tensors)


def smallest_seen(response: Response, yardstick: Yardstick, /, *, num_steps: int) -> Sight:
    """Return the smallest change that is seen after each number of steps: the least of allowed / response.

    As the judge looks: losses up to the horizon; tensors at their moments, the end's only where the run is judged
    whole, without those of which rounding explains any difference.
    """
    smallest = np.full(num_steps + 1, np.inf)
    best, where = np.inf, "nothing"
    for name, values in response.losses.items():
        count = min(len(values), yardstick.horizon)
        sizes = _over(yardstick.allowed_losses(name)[:count], values[:count])
        smallest[1 : count + 1] = np.minimum(smallest[1 : count + 1], sizes)
        if count and sizes.min() < best:
            best, where = float(sizes.min()), loss_label(name)
    for label, step in _moments(yardstick, num_steps):
        for name, amount in yardstick.tensors[label].items():
            allowed = yardstick.tolerance.allowed(amount)
            if allowed >= _ANYTHING or name not in response.tensors.get(label, {}):
                continue
            size = float(_over(np.array([allowed]), np.array([response.tensors[label][name]]))[0])
            smallest[step] = min(smallest[step], size)
            if size < best:
                best, where = size, name
    return Sight(smallest=np.minimum.accumulate(smallest), where=where)


def largest_share(response: Response, yardstick: Yardstick, /, *, num_steps: int) -> float:
    """Return how many times further than is allowed the measured change itself moves something."""
    least = float(smallest_seen(response, yardstick, num_steps=num_steps).smallest[-1])
    return response.size / least


def linearity(response: Response, further: Response, yardstick: Yardstick, /, *, num_steps: int) -> float:
    """Return what a larger change's response makes of the smallest that is seen, over what the smaller one's does."""
    least, other = (
        float(smallest_seen(each, yardstick, num_steps=num_steps).smallest[-1]) for each in (response, further)
    )
    return other / least if np.isfinite(least) and np.isfinite(other) else float("nan")


def _moments(yardstick: Yardstick, num_steps: int) -> Iterator[tuple[str, int]]:
    for label in yardstick.tensors:
        if label == END:
            if yardstick.horizon >= num_steps:
                yield label, num_steps
        elif label.startswith("step "):
            yield label, int(label.removeprefix("step "))


def _over(allowed: Floats, response: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(response > 0, allowed / response, np.inf)
