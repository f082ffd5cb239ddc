"""What a program tells of a step where no hook sees it: outputs of layers, and what an update was given and left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_rosetta.shared.cases.networks import Found
from gan_rosetta.shared.cases.values import as_array
from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.errors import UsageError, require_known
from gan_rosetta.shared.interface import ProbeKey, ProgramSlots
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.layouts import OPTAX_SLOTS
from gan_rosetta.shared.state.trees import path_name, tree_arrays

STREAMS = ("real", "fake", "mixed", "input", "again")
_IMAGES_RANK = 4
_COUNTS = ("count", "step", "t")


@dataclass(frozen=True, kw_only=True)
class _Sight:
    """An output of a layer that the program told. stream: of which samples it is, "" where it did not say."""

    name: str
    stream: str
    value: np.ndarray


class Sights:
    """The outputs of layers that a program tells, step by step, each told which of the reference's passes it is of.

    A layer has as many outputs in a step as its network has passes. In which order a program makes these, the first
    step shows: there each output of the first layer that is told stands for the pass whose output is nearest, where it
    is not half as far from that as the next one is; of the others, and of those as near, the earlier stands for the
    earlier. What comes later, and may be off by then, is taken in the same order.
    """

    def __init__(self, spec: GanSpec, /) -> None:
        self._layers = [f"{network}.{placed.name}" for network, own in spec.networks().items() for placed in own.placed]
        self._sights: list[_Sight] = []
        # By the network, the phase, and the streams of the outputs that were told: which of the passes each is of.
        self._orders: dict[tuple[str, str, tuple[str, ...]], dict[int, int]] = {}

    def begin(self) -> None:
        """A step begins."""
        self._sights = []

    def keep(self, name: str, value: Any, /, *, stream: str, networks: Mapping[str, Found]) -> None:
        """Keep what a layer gave; raises UsageError for a layer that the GAN lacks, and for no numbers.

        networks: those that are watched, which know in what order the program has features that are no image yet.
        """
        require_known("layer", [name], self._layers)
        if stream:
            require_known("stream", [stream], STREAMS)
        network, _, layer = name.partition(".")
        array = as_array(value, what=name)
        array = networks[network].flat_output(layer, array) if network in networks else array
        self._sights.append(_Sight(name=name, stream=stream, value=array))

    def place(
        self, phase: str, expected: Mapping[ProbeKey, np.ndarray], /
    ) -> tuple[dict[ProbeKey, np.ndarray], list[str]]:
        """Return what was told by the keys of what the reference computed, and in words what was told once too often.

        phase: the step's.
        """
        found: dict[ProbeKey, np.ndarray] = {}
        told: list[str] = []
        for name in self._layers:  # in order, so that the first layer that is told says which pass is which
            own = [sight for sight in self._sights if sight.name == name]
            if not own:
                continue
            keys = [key for key in expected if key.quantity == "output" and key.name == name]
            network = name.partition(".")[0]
            order = self._orders.setdefault(
                (network, phase, tuple(sight.stream for sight in own)), _nearest(own, keys, expected)
            )
            found |= {keys[key]: _laid_out(own[place].value, expected[keys[key]]) for place, key in order.items()}
            left = [sight for place, sight in enumerate(own) if place not in order]
            told += [
                f"one more output of {name}{f' on {sight.stream}' if sight.stream else ''}"
                for sight in left
                if not any(np.array_equal(own[place].value, sight.value, equal_nan=True) for place in order)
            ]
        return found, told


def arrays_of(tree: Any, /, *, what: str) -> dict[str, np.ndarray]:
    """Return copies of the arrays of a container by their names; raises UsageError for what has no numbers."""
    return {path_name(path): as_array(array, what=f"{path_name(path)} of {what}") for path, array in tree_arrays(tree)}


def slots_of(state: Any, /, *, what: str) -> ProgramSlots:
    """Return what an optimizer's state holds, of optax, or in dictionaries by optax's names or the spec's."""
    slots: dict[tuple[str, str], np.ndarray] = {}
    counter = None
    for path, array in tree_arrays(state):
        steps = [str(step) for step in path]
        place = next((place for place, step in enumerate(steps) if _slots_called(step)), None)
        if place is not None:
            value = as_array(array, what=f"{path_name(path)} of {what}")
            parameter = path_name(path[place + 1 :])
            slots |= {(parameter, slot): value for slot in _slots_called(steps[place])}
        elif steps and steps[-1] in _COUNTS and counter is None:
            counter = int(as_array(array, what=f"{path_name(path)} of {what}"))
    return ProgramSlots(slots=slots, counter=counter, momentum="added_step" if _ends_in_trace(state) else "direction")


def _ends_in_trace(state: Any) -> bool:
    """Whether an optax chain's last part is the trace of a momentum, which then is of steps: the rate is before it."""
    is_chain = isinstance(state, tuple) and not hasattr(state, "_fields") and len(state) > 1
    return is_chain and (hasattr(state[-1], "trace") or _ends_in_trace(state[-1]))


def _slots_called(step: str) -> list[str]:
    """Return the spec's slots that a name may stand for: optax has Adam's second moment and RMSprop's as `nu`."""
    names = [slot for slot, native in OPTAX_SLOTS.items() if step in (slot, native)]
    return [*names, "square"] if step == OPTAX_SLOTS["v"] else names


def _nearest(
    sights: Sequence[_Sight], keys: Sequence[ProbeKey], expected: Mapping[ProbeKey, np.ndarray]
) -> dict[int, int]:
    """Return which key each sight stands for, by their places: those that tell by their numbers first, nearest first.

    What is nearer to a key than half of the way from there to any other is of that one, however far it is off.
    """
    half_ways = [_half_way(key, keys, expected) for key in keys]
    pairs = []
    for first, sight in enumerate(sights):
        for second, key in enumerate(keys):
            if sight.stream in ("", key.stream):
                distance = _distance(sight.value, expected[key])
                tells = distance < half_ways[second]
                pairs.append((not tells, distance if tells else 0.0, first, second))
    order: dict[int, int] = {}
    for *_, first, second in sorted(pairs):
        if first not in order and second not in order.values():
            order[first] = second
    return order


def _half_way(key: ProbeKey, keys: Sequence[ProbeKey], expected: Mapping[ProbeKey, np.ndarray]) -> float:
    """Return half of the distance from a pass's output to the nearest one that is not the same."""
    others = (expected[other] for other in keys)
    return min(
        (_distance(o, expected[key]) / 2 for o in others if not np.array_equal(o, expected[key])), default=np.inf
    )


def _distance(value: np.ndarray, expected: np.ndarray) -> float:
    value = _laid_out(value, expected)
    return tensor_difference(value, expected) if value.shape == expected.shape else np.inf


def _laid_out(value: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return an output with the axes of what is expected, where it has its channels last or is flat."""
    if value.shape != expected.shape and value.ndim == expected.ndim == _IMAGES_RANK:
        moved = np.moveaxis(value, -1, 1)
        value = moved if moved.shape == expected.shape else value
    return value.reshape(expected.shape) if value.size == expected.size and value.ndim != expected.ndim else value


def not_watched(what: str, /) -> UsageError:
    """Return the error for what is told of a case that nobody watches."""
    return UsageError(f"step.{what} tells of a step that is not watched; call case.watch() before the loop")
