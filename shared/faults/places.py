"""Finds the places in a spec where faults are planted, and the phase in which each shows first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.fault import Location
from gan_rosetta.shared.spec import (
    Adadelta,
    Adagrad,
    Adam,
    Branches,
    ConstantRate,
    GanSpec,
    GradientDescent,
    Layer,
    LearningRate,
    Optimizer,
    PiecewiseRate,
    RMSprop,
    Shape,
    WarmUp,
)

Place = tuple[str, int]
_OPTIMIZER_WORDS = {
    Adam: "Adam",
    Adadelta: "Adadelta",
    Adagrad: "Adagrad",
    RMSprop: "RMSprop",
    GradientDescent: "gradient descent",
}


def find_layers(
    spec: GanSpec, kind: type | tuple[type, ...], /, *, where: Callable[[Any], bool] | None = None
) -> list[Place]:
    """Return the network and place of each layer of a kind: the discriminator's first, each network's last first."""
    return [
        (network, index)
        for network in ("discriminator", "generator")
        for index, placed in reversed(list(enumerate(getattr(spec, network).placed)))
        if isinstance(placed.layer, kind) and (where is None or where(placed.layer))
    ]


def find_layer(
    spec: GanSpec, kind: type | tuple[type, ...], /, *, where: Callable[[Any], bool] | None = None
) -> Place | None:
    """Return the first of find_layers, or None."""
    return next(iter(find_layers(spec, kind, where=where)), None)


def layer_at(spec: GanSpec, place: Place, /) -> Any:
    """Return the layer at a place."""
    return getattr(spec, place[0]).placed[place[1]].layer


def input_shape_at(spec: GanSpec, place: Place, /) -> Shape:
    """Return the per-sample shape of what the layer at a place takes."""
    shape: Shape = getattr(spec, place[0]).placed[place[1]].input_shape
    return shape


def layer_name(spec: GanSpec, place: Place, /) -> str:
    """Return the canonical name of the layer at a place."""
    network, index = place
    return f"{network}.{getattr(spec, network).placed[index].name}"


def replace_layer(spec: GanSpec, place: Place, layer: Layer, /) -> GanSpec:
    """Return the spec with another layer at a place."""
    network, index = place
    changes: dict[str, Any] = {network: getattr(spec, network).replaced(index, layer)}
    return replace(spec, **changes)


def first_phase(spec: GanSpec, network: str, /) -> str:
    """Return the phase in which a network first runs."""
    if network == "discriminator" and spec.num_pretraining_steps > 0:
        return "pretraining"
    first = spec.training.first
    second = "generator" if first == "discriminator" else "discriminator"
    # The player that a step begins with may rest in the first steps, and the other goes through both networks too.
    starts = {player: min(spec.training.steps_of(player).offsets) for player in (first, second)}
    return second if starts[second] < starts[first] else first


def output_of(spec: GanSpec, place: Place, /) -> Location:
    """Return the location of a layer's output when it first runs."""
    return Location(phase=first_phase(spec, place[0]), quantities=("output",), names=(layer_name(spec, place),))


def replace_training(spec: GanSpec, /, **changes: Any) -> GanSpec:
    """Return the spec with other training fields."""
    return replace(spec, training=replace(spec.training, **changes))


def find_optimizers(spec: GanSpec, kind: type | tuple[type, ...], /) -> list[tuple[str, Any]]:
    """Return each optimizer of a kind by its name, in the order of a step's updates, pretraining's last."""
    order = ("discriminator", "generator") if spec.training.first == "discriminator" else ("generator", "discriminator")
    found = [(name, optimizer_of(spec, name)) for name in (*order, "joint", "pretraining")]
    return [(name, optimizer) for name, optimizer in found if isinstance(optimizer, kind)]


def find_optimizer(spec: GanSpec, kind: type | tuple[type, ...], /) -> tuple[str, Any] | None:
    """Return the first of find_optimizers, or None."""
    return next(iter(find_optimizers(spec, kind)), None)


def optimizer_of(spec: GanSpec, name: str, /) -> Optimizer | None:
    """Return the optimizer of "discriminator", "generator", "joint" or "pretraining", None where there is none."""
    if name == "pretraining":
        return None if spec.pretraining is None else spec.pretraining.optimizer
    optimizer: Optimizer | None = getattr(spec.training, f"{name}_optimizer")
    return optimizer


def replace_optimizer(spec: GanSpec, name: str, optimizer: Optimizer, /) -> GanSpec:
    """Return the spec with another optimizer of that name."""
    if name == "pretraining" and spec.pretraining is not None:
        return replace(spec, pretraining=replace(spec.pretraining, optimizer=optimizer))
    return replace_training(spec, **{f"{name}_optimizer": optimizer})


def optimizer_words(name: str, optimizer: Optimizer, /) -> str:
    """Return how to speak of an optimizer: "the generator's Adam", "the joint Adam", "the Adam of pretraining"."""
    kind = _OPTIMIZER_WORDS.get(type(optimizer), type(optimizer).__name__)
    others = {"pretraining": f"the {kind} of pretraining", "joint": f"the joint {kind}"}
    return others.get(name, f"the {name}'s {kind}")


def initial_rate(optimizer: Any, /) -> float:
    """Return the learning rate of an optimizer's first update, or of the first that is no longer warmed up."""
    rate: LearningRate = optimizer.learning_rate
    return (rate.after if isinstance(rate, WarmUp) else rate).at(0)


def with_rate(optimizer: Any, rate: float, /) -> Any:
    """Return an optimizer with another learning rate there, on the same schedule."""
    return replace(optimizer, learning_rate=_begun_at(optimizer.learning_rate, rate))


def _begun_at(old: Any, rate: float) -> Any:
    if isinstance(old, ConstantRate):
        return replace(old, value=rate)
    if isinstance(old, WarmUp):
        return replace(old, after=_begun_at(old.after, rate))
    if isinstance(old, PiecewiseRate):
        return replace(old, values=(rate, *old.values[1:]))
    return replace(old, initial=rate)


def update_of(name: str, /) -> Location:
    """Return the location of an optimizer's update: a slot that is wrong may show before, or without, its parameter."""
    return Location(phase=name, quantities=("parameter", "slot"))


def loss_of(phase: str, name: str = "loss", /) -> Location:
    """Return the location of a phase's loss, or of its "penalty"."""
    return Location(phase=phase, quantities=("loss",), names=(name,))


def changed_places(spec: GanSpec, changed: GanSpec, /) -> tuple[Location, ...]:
    """Return where a GAN that was changed shows it first, any of these; none where only initial values are others."""
    found: list[Location] = []
    for network in spec.networks():
        pairs = zip(getattr(spec, network).placed, getattr(changed, network).placed, strict=True)
        for index, (placed, changed_one) in enumerate(pairs):
            layer, other = placed.layer, changed_one.layer
            if isinstance(layer, Branches) and isinstance(other, Branches) and layer.join == other.join:
                continue  # What differs inside of them is told of there.
            if layer != other and not _starts_alone_differ(layer, other):
                output = output_of(spec, (network, index))
                names = tuple(f"{output.names[0]}.{buffer}" for buffer in layer.buffers())
                found += [output, Location(phase=output.phase, quantities=("buffer",), names=names)][: 1 + bool(names)]
    for name in ("discriminator", "generator", "joint", "pretraining"):
        if optimizer_of(spec, name) != optimizer_of(changed, name):
            found.append(update_of(name))
    for phase in ("discriminator", "generator"):
        if getattr(spec.training, f"{phase}_loss") != getattr(changed.training, f"{phase}_loss"):
            found.append(Location(phase=phase, quantities=("loss",)))
    return tuple(found)


def _starts_alone_differ(layer: Any, other: Any) -> bool:
    starts = {field: getattr(layer, field) for field in ("weight_init", "bias_init") if hasattr(layer, field)}
    return type(layer) is type(other) and bool(starts) and replace(other, **starts) == layer
