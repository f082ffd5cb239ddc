"""A GAN's parts, and the pytree of all that training moves, with its tensors by their canonical names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from gan_rosetta.backends.jax.layer import Tensors
from gan_rosetta.backends.jax.layers import Network, build_network
from gan_rosetta.backends.jax.losses import check_losses
from gan_rosetta.backends.jax.optimizers import build_optimizer, counter, slots, with_slots
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec import Network as NetworkSpec
from gan_rosetta.shared.state import (
    BALANCE,
    average_name,
    averaged,
    counter_name,
    optimizers,
    parameter_name,
    slot_name,
    state_schema,
    weight_bound,
)


@dataclass(frozen=True, kw_only=True)
class Gan:
    """What a step is made of besides tensors.

    updates: optimizers, bounds: what each's parameters are then held to, by the names of the state's schema.
    """

    spec: GanSpec
    networks: Mapping[str, Network]
    updates: Mapping[str, optax.GradientTransformationExtraArgs]
    bounds: Mapping[str, float | None]


class Player(NamedTuple):
    """A network's tensors, by layer and short name."""

    parameters: Tensors
    buffers: Tensors


class State(NamedTuple):
    """All that training moves.

    optimizers: optax's states, by the names of the state's schema. average: of G. balance: what D's loss balances its
    terms by, ().
    """

    generator: Player
    discriminator: Player
    optimizers: dict[str, Any]
    average: Player | None = None
    balance: Any = None


def build_gan(spec: GanSpec, /, *, device: str, dtype: str, side_by_side: bool = False) -> Gan:
    """Build the networks and optimizers; raises UnsupportedLayer. side_by_side: for many replicas under jax.vmap."""
    check_losses(spec)
    networks = {
        name: build_network(name, network, device=device, dtype=dtype, side_by_side=side_by_side)
        for name, network in spec.networks().items()
    }
    updates: dict[str, Any] = {name: build_optimizer(optimizer) for name, (_, optimizer) in optimizers(spec).items()}
    bounds: dict[str, float | None] = {name: weight_bound(spec, name) for name in optimizers(spec)}
    return Gan(spec=spec, networks=networks, updates=updates, bounds=bounds)


def zero_tensors(spec: GanSpec, /, *, dtype: str) -> dict[str, np.ndarray]:
    """Return a state all of zeros, by canonical names."""
    return {
        name: np.zeros(tensor.shape, np.int64 if tensor.role == "counter" else dtype)
        for name, tensor in state_schema(spec).items()
    }


def state_of_tensors(gan: Gan, tensors: Mapping[str, Any], /) -> State:
    """Return the state made of tensors by their canonical names."""
    players = {name: _player(name, network, tensors) for name, network in gan.spec.networks().items()}
    states: dict[str, Any] = {}
    for name, (network_name, optimizer) in optimizers(gan.spec).items():
        names = tensor_names(network_name, players[network_name].parameters)
        by_slot = {
            slot: jax.tree.map(lambda parameter: tensors[slot_name(name, parameter, slot)], names)  # noqa: B023
            for slot in optimizer.slots
        }
        empty = gan.updates[name].init(players[network_name].parameters)
        states[name] = with_slots(optimizer, empty, slots=by_slot, counter=tensors[counter_name(name)])
    average = None
    if gan.spec.training.generator_average is not None:
        of_average = {own: tensors[name] for name, own in averaged(gan.spec).items()}
        average = _player("generator", gan.spec.generator, of_average)
    return State(players["generator"], players["discriminator"], states, average, tensors.get(BALANCE))


def _player(name: str, network: NetworkSpec, tensors: Mapping[str, Any]) -> Player:
    parameters: Tensors = {}
    buffers: Tensors = {}
    for placed in network.placed:
        for found, shorts in ((parameters, placed.layer.parameters()), (buffers, placed.layer.buffers())):
            if shorts:
                found[placed.name] = {short: tensors[parameter_name(name, placed.name, short)] for short in shorts}
    return Player(parameters, buffers)


def tensors_of_state(gan: Gan, state: State, /) -> dict[str, Any]:
    """Return a state's tensors by their canonical names, in canonical order."""
    found: dict[str, Any] = {}
    for name in gan.spec.networks():
        player: Player = getattr(state, name)
        found |= named_tensors(name, player.parameters) | named_tensors(name, player.buffers)
    for name, (network_name, optimizer) in optimizers(gan.spec).items():
        for slot, tensors in slots(optimizer, state.optimizers[name]).items():
            named = named_tensors(network_name, tensors)
            found |= {slot_name(name, parameter, slot): tensor for parameter, tensor in named.items()}
        found[counter_name(name)] = counter(state.optimizers[name])
    if state.average is not None:
        own = named_tensors("generator", state.average.parameters) | named_tensors("generator", state.average.buffers)
        found |= {average_name(name): tensor for name, tensor in own.items()}
    if state.balance is not None:
        found[BALANCE] = state.balance
    return {name: found[name] for name in state_schema(gan.spec)}


def named_tensors(network: str, tensors: Tensors, /) -> dict[str, Any]:
    """Return a network's parameters or buffers, or what has their form, by canonical names."""
    return {
        parameter_name(network, layer, short): tensor
        for layer, shorts in tensors.items()
        for short, tensor in shorts.items()
    }


def tensor_names(network: str, tensors: Tensors, /) -> dict[str, dict[str, str]]:
    """Return the canonical names of a network's parameters or buffers, in their form."""
    return {
        layer: {short: parameter_name(network, layer, short) for short in shorts} for layer, shorts in tensors.items()
    }
