"""The forward passes that a program was seen to make in a step, each told which of the reference's it stands for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gan_rosetta.shared.cases.networks import Found
from gan_rosetta.shared.interface import ProbeKey
from gan_rosetta.shared.spec import (
    Activation,
    Branches,
    ClassEmbedding,
    GanSpec,
    MinibatchDiscrimination,
    Network,
    Recall,
    Reshape,
)
from gan_rosetta.shared.spec.activations import Sigmoid

_ACTIVATIONS = tuple(kind.kind for kind in Activation.__args__)  # type: ignore[attr-defined]


@dataclass(kw_only=True)
class Pass:
    """A pass. inputs, output: (batch, ...), images in the canonical layout. outputs: of the layers that were seen.

    output: None before the pass has ended, and where it gave several.
    phase: whose update came next, "" where no optimizer is watched or none came.
    """

    network: str
    inputs: np.ndarray
    outputs: list[tuple[str, str, np.ndarray]] = field(default_factory=list)
    output: np.ndarray | None = None
    has_ended: bool = False
    phase: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One of the reference's passes in a step."""

    phase: str
    network: str
    stream: str

    def __str__(self) -> str:
        return f"{self.network} on {self.stream} in the {self.phase} phase"


def places_of(keys: Iterable[ProbeKey], /) -> list[Place]:
    """Return the passes of a step of the reference, in order."""
    found = (
        Place(phase=key.phase, network=key.name.split(".")[0], stream=key.stream)
        for key in keys
        if key.quantity == "output"
    )
    return list(dict.fromkeys(found))


def assign(
    passes: Sequence[Pass], places: Sequence[Place], spec: GanSpec, /, *, real: np.ndarray | None
) -> tuple[list[tuple[Pass, Place]], list[str]]:
    """Return the program's passes with what they stand for, and in words what is more, missing or in another order.

    real: the step's real samples, None in pretraining. A pass is known by what it is given, else by its order.
    """
    split = [part for each in passes for part in _parts(each, spec, real)]
    streams = [_stream(each, split[:index], real) for index, each in enumerate(split)]
    known = {(each.phase, stream) for each, stream in zip(split, streams, strict=True) if stream}
    left = list(places)
    pairs: list[tuple[Pass, Place]] = []
    told: list[str] = []
    for index, (each, stream) in enumerate(zip(split, streams, strict=True)):
        fitting = [place for place in left if place.network == each.network]
        if each.phase:
            fitting = [place for place in fitting if place.phase == each.phase]
        if stream:
            fitting = [place for place in fitting if place.stream == stream]
        else:
            fitting = [
                p for p in fitting if each.network == "generator" or (each.phase, p.stream) not in known
            ] or fitting
        if not fitting and not _repeats(each, split[:index]):
            told.append(f"one more pass of the {each.network}{f' on {stream}' if stream else ''}")
        if not fitting:
            continue
        pairs.append((each, fitting[0]))
        left.remove(fitting[0])
    told += [
        f"no pass of the {place}" for place in left if not (spec.makes_same_fake_twice and place.network == "generator")
    ]
    order = [places.index(place) for _, place in pairs]
    for (_, earlier), (_, later), first, second in zip(pairs, pairs[1:], order, order[1:], strict=False):
        if second < first:
            told.append(f"the {earlier} before the {later}")
    return pairs, told


def layer_outputs(each: Pass, place: Place, found: Found, /) -> Iterator[tuple[ProbeKey, np.ndarray]]:
    """Yield the outputs of the layers of a pass by the reference's keys."""
    network = found.spec.networks()[found.network]
    layers = found.layers
    position, seen = -1, {}
    for tensor, kind, value in each.outputs:
        after = _position(network, position, layers.get(tensor), kind, num_features=value[0].size if len(value) else 0)
        if after is not None:
            position = after
            seen[network.placed[position].name] = value
    last = network.placed[-1]
    if each.output is not None and not _leaves_out_sigmoid(each.output, network, seen):
        seen[last.name] = each.output
    for name, value in seen.items():
        yield ProbeKey(place.phase, "output", place.stream, f"{found.network}.{name}"), found.output(name, value)


def _position(network: Network, position: int, layer: str | None, kind: str, *, num_features: int) -> int | None:
    """Return which layer an output is of: that of its tensors, or the activation that comes next; None: of none."""
    if layer is not None:
        own = next(index for index, placed in enumerate(network.placed) if placed.name == layer)
        if isinstance(network.placed[own].layer, ClassEmbedding):
            return None  # The program's own layer gives the row alone, before it is joined to anything.
        if isinstance(network.placed[own].layer, MinibatchDiscrimination):
            # Its matrix may be a layer of its own, which gives what distances are taken of.
            return own if num_features == math.prod(network.placed[own].output_shape) else None
        # Of a layer with an activation inside only what the activation gives is seen.
        return own + 1 if kind in _ACTIVATIONS and _is_activation(network, own + 1) else own
    place = position + 1
    while place < len(network.placed) and isinstance(network.placed[place].layer, Branches | Recall):
        place += 1  # What joins branches or takes features up again is no module of a program.
    if place == len(network.placed):
        return None
    ahead = network.placed[place].layer
    fits = kind == "reshape" if isinstance(ahead, Reshape) else kind in _ACTIVATIONS
    return place if fits and (isinstance(ahead, Reshape) or _is_activation(network, place)) else None


def _is_activation(network: Network, position: int) -> bool:
    return position < len(network.placed) and isinstance(network.placed[position].layer, Activation)


def _leaves_out_sigmoid(output: np.ndarray, network: Network, seen: Mapping[str, np.ndarray]) -> bool:
    """Whether a network ends before its last sigmoid, which its program has in the loss."""
    before = seen.get(network.placed[-2].name) if len(network.placed) > 1 else None
    ends_so = isinstance(network.placed[-1].layer, Sigmoid) and network.placed[-1].name not in seen
    return ends_so and before is not None and np.array_equal(before.ravel(), output.ravel(), equal_nan=True)


def _parts(each: Pass, spec: GanSpec, real: np.ndarray | None) -> list[Pass]:
    """Return a pass, or, where it is of real and fake samples put together, the two that it is."""
    if real is None or each.network != "discriminator" or len(each.inputs) != 2 * len(real):
        return [each]
    if not spec.discriminator.is_samplewise:
        return [each]
    size = len(real)
    return [
        Pass(
            network=each.network,
            inputs=each.inputs[half],
            outputs=[(tensor, kind, value[half]) for tensor, kind, value in each.outputs],
            output=None if each.output is None else each.output[half],
            phase=each.phase,
        )
        for half in (slice(None, size), slice(size, None))
    ]


def _stream(each: Pass, before: Sequence[Pass], real: np.ndarray | None) -> str:
    """Return what a pass is given, as far as its numbers tell; "" where they do not."""
    if each.network == "generator":
        return "fake"
    if real is None:
        return "input"
    if _same(each.inputs, real):
        return "real"
    made = (other.output for other in before if other.network == "generator" and other.output is not None)
    return "fake" if any(_same(each.inputs, output) for output in made) else ""


def _repeats(each: Pass, before: Sequence[Pass]) -> bool:
    """Whether a pass gives again what one before it gave, so that nothing but BatchNorm's buffers can hang on it."""
    return any(
        other.network == each.network
        and other.output is not None
        and each.output is not None
        and _same(each.inputs, other.inputs)
        and _same(each.output, other.output)
        for other in before
    )


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    return first.size == second.size and np.array_equal(first.ravel(), second.astype(first.dtype).ravel())
