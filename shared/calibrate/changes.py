"""Small mistakes of a chosen size: a gradient, a learning rate, an ε or a BatchNorm's momentum, off by a share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

from gan_rosetta.shared.faults.places import (
    find_layer,
    find_optimizer,
    initial_rate,
    layer_at,
    replace_layer,
    replace_optimizer,
    with_rate,
)
from gan_rosetta.shared.interface import Trainer
from gan_rosetta.shared.spec import (
    Adadelta,
    Adagrad,
    Adam,
    BatchNorm,
    GanSpec,
    Optimizer,
    RMSprop,
)
from gan_rosetta.shared.workers.registry import build_reference

Build = Callable[[str], Trainer]
"""Builds a trainer of the reference in a type."""


def _building(spec: GanSpec) -> Build:
    return lambda dtype: build_reference(spec, dtype=dtype)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A mistake.

    plant: returns what builds the reference with the mistake in it, of a relative size; None where the GAN has not what
    it touches.
    """

    name: str
    title: str
    plant: Callable[[GanSpec, float], Build | None]


def _rate(spec: GanSpec, size: float) -> Build | None:
    found = find_optimizer(spec, get_args(Optimizer))
    if found is None:
        return None
    network, optimizer = found
    if initial_rate(optimizer) == 0.0:
        return None
    changed = with_rate(optimizer, (1.0 + size) * initial_rate(optimizer))
    return _building(replace_optimizer(spec, network, changed))


def _epsilon(spec: GanSpec, size: float) -> Build | None:
    found = find_optimizer(spec, (Adam, Adadelta, RMSprop, Adagrad))
    if found is None:
        return None
    network, optimizer = found
    return _building(replace_optimizer(spec, network, replace(optimizer, epsilon=(1.0 + size) * optimizer.epsilon)))


def _momentum(spec: GanSpec, size: float) -> Build | None:
    place = find_layer(spec, BatchNorm)
    if place is None:
        return None
    norm = layer_at(spec, place)
    return _building(replace_layer(spec, place, replace(norm, momentum=(1.0 + size) * norm.momentum)))


def _gradient(spec: GanSpec, size: float) -> Build | None:
    """Scale the gradient of the last weight of the network that trains first."""
    network = spec.training.first
    last = [placed.name for placed in getattr(spec, network).placed if "weight" in placed.layer.parameters()][-1]

    def build_scaled(dtype: str) -> Trainer:
        trainer = build_reference(spec, dtype=dtype)
        _scale_gradient(trainer, network, f"{network}.{last}.weight", 1.0 + size)
        return trainer

    return build_scaled


def _scale_gradient(trainer: Trainer, network: str, tensor: str, factor: float) -> None:
    """Have the reference multiply one gradient before each update."""
    # It has no hook for that: no right program needs one.
    stepper = cast(Any, trainer)._stepper
    own = getattr(stepper, network)
    gradient = own.by_name(own.gradients)[tensor]
    update = stepper._update

    def scale_and_update(phase: str, recorder: Any) -> None:
        if phase == network:
            gradient[...] *= factor
        update(phase, recorder)

    stepper._update = scale_and_update


CHANGES: tuple[Change, ...] = (
    Change(name="gradient", title="a gradient", plant=_gradient),
    Change(name="rate", title="a learning rate", plant=_rate),
    Change(name="epsilon", title="an optimizer's ε", plant=_epsilon),
    Change(name="momentum", title="a BatchNorm's momentum", plant=_momentum),
)
