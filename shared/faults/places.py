"""Finds the places in a spec where faults are planted, and the phase in which each shows first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.fault import Location
from gan_rosetta.shared.spec import GanSpec, Layer, Network, Optimizer

Place = tuple[str, int]


def find_layer(
    spec: GanSpec, kind: type | tuple[type, ...], /, *, where: Callable[[Any], bool] | None = None
) -> Place | None:
    """Return the network and index of the last layer of a kind, the discriminator searched first, or None."""
    for network in ("discriminator", "generator"):
        layers = getattr(spec, network).layers
        for index in reversed(range(len(layers))):
            if isinstance(layers[index], kind) and (where is None or where(layers[index])):
                return network, index
    return None


def layer_name(spec: GanSpec, place: Place, /) -> str:
    """Return the canonical name of the layer at a place."""
    network, index = place
    return f"{network}.{getattr(spec, network).placed[index].name}"


def replace_layer(spec: GanSpec, place: Place, layer: Layer, /) -> GanSpec:
    """Return the spec with another layer at a place."""
    network, index = place
    old: Network = getattr(spec, network)
    layers = (*old.layers[:index], layer, *old.layers[index + 1 :])
    changes: dict[str, Any] = {network: Network(input_shape=old.input_shape, layers=layers)}
    return replace(spec, **changes)


def first_phase(spec: GanSpec, network: str, /) -> str:
    """Return the phase in which a network first runs."""
    if network == "discriminator" and spec.pretraining is not None:
        return "pretraining"
    return spec.training.first


def output_of(spec: GanSpec, place: Place, /) -> Location:
    """Return the location of a layer's output when it first runs."""
    return Location(phase=first_phase(spec, place[0]), quantities=("output",), names=(layer_name(spec, place),))


def replace_training(spec: GanSpec, /, **changes: Any) -> GanSpec:
    """Return the spec with other training fields."""
    return replace(spec, training=replace(spec.training, **changes))


def find_optimizer(spec: GanSpec, kind: type | tuple[type, ...], /) -> tuple[str, Any] | None:
    """Return the network whose optimizer of a kind is the first to update in a step, and that optimizer."""
    order = ("discriminator", "generator") if spec.training.first == "discriminator" else ("generator", "discriminator")
    for network in order:
        optimizer = getattr(spec.training, f"{network}_optimizer")
        if isinstance(optimizer, kind):
            return network, optimizer
    return None


def replace_optimizer(spec: GanSpec, network: str, optimizer: Optimizer, /) -> GanSpec:
    """Return the spec with another optimizer of a network."""
    return replace_training(spec, **{f"{network}_optimizer": optimizer})


def update_of(network: str, /) -> Location:
    """Return the location of a network's update: a slot that is wrong may show before, or without, its parameter."""
    return Location(phase=network, quantities=("parameter", "slot"))
