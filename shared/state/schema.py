"""The tensors that make up a run's state, read off the spec: names, shapes and roles, in canonical order.

State is one flat mapping from canonical name to NumPy array in the canonical layout. Names:
`discriminator.hidden1.weight` for parameters and buffers, `optimizer.discriminator.hidden1.weight.m` for an optimizer's
slots, `optimizer.discriminator.step` for its counter. Pretraining has its own optimizer, `optimizer.pretraining.…`. So
has the third update, of both players: `optimizer.joint.generator.…` and `optimizer.joint.discriminator.…`. A
moving average of G has `average.generator.hidden1.weight`, of its parameters and buffers. What a loss balances its two
terms by is `training.balance`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, get_args

from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import (
    Constant,
    GanSpec,
    GradientClipping,
    Initializer,
    Network,
    Optimizer,
    ParameterSpec,
    Shape,
)
from gan_rosetta.shared.spec.optimizers import initial_slot

Role = Literal["parameter", "buffer", "slot", "counter", "average", "balance"]
# Also what a probe calls the quantities that an update leaves.
ROLES: tuple[Role, ...] = get_args(Role)
BALANCE = "training.balance"
OptimizerName = Literal["pretraining", "discriminator", "generator", "joint.generator", "joint.discriminator"]


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """One tensor of a state. Counters are int64 scalars; everything else is of the run's floating type.

    tensor: for slots the parameter they belong to, for averages what they follow, for the others the name itself.
    network: "" for the balance. layer: the layer's name within its network, "" for counters and the balance.
    initializer and fan_in: how it starts.
    """

    name: str
    shape: Shape
    role: Role
    network: str
    layer: str
    tensor: str
    initializer: Initializer | None
    fan_in: int


def parameter_name(network: str, layer: str, parameter: str, /) -> str:
    """Return the canonical name of a layer's parameter or buffer."""
    return f"{network}.{layer}.{parameter}"


def slot_name(optimizer: str, parameter: str, slot: str, /) -> str:
    """Return the canonical name of an optimizer's slot; parameter is a canonical name, whose network is left out."""
    _, short = parameter.split(".", 1)
    return f"optimizer.{optimizer}.{short}.{slot}"


def counter_name(optimizer: str, /) -> str:
    """Return the canonical name of an optimizer's step counter."""
    return f"optimizer.{optimizer}.step"


def average_name(tensor: str, /) -> str:
    """Return the canonical name of the moving average of a parameter or buffer of G."""
    return f"average.{tensor}"


def averaged(spec: GanSpec, /) -> dict[str, str]:
    """Return the parameters and buffers of G that have a moving average, by its name, in canonical order."""
    return {t.name: t.tensor for t in state_schema(spec).values() if t.role == "average"}


def averaged_as(spec: GanSpec, role: Role, /) -> dict[str, str]:
    """Return of `averaged` those that follow a parameter, or a buffer."""
    schema = state_schema(spec)
    return {name: own for name, own in averaged(spec).items() if schema[own].role == role}


def optimizers(spec: GanSpec, /) -> dict[OptimizerName, tuple[str, Optimizer]]:
    """Return each optimizer of the spec with the network that it trains.

    That of the third update is one for each network, since none of what an optimizer does to a tensor hangs on others.
    """
    result: dict[OptimizerName, tuple[str, Optimizer]] = {}
    if spec.pretraining is not None:
        result["pretraining"] = ("discriminator", spec.pretraining.optimizer)
    result["discriminator"] = ("discriminator", spec.training.discriminator_optimizer)
    result["generator"] = ("generator", spec.training.generator_optimizer)
    if spec.training.joint_optimizer is not None:
        result["joint.generator"] = ("generator", spec.training.joint_optimizer)
        result["joint.discriminator"] = ("discriminator", spec.training.joint_optimizer)
    return result


def optimizers_of(spec: GanSpec, phase: str, /) -> dict[OptimizerName, str]:
    """Return the optimizers that update in a phase, each with the network that it trains: one, or of "joint" two."""
    return {name: network for name, (network, _) in optimizers(spec).items() if name.partition(".")[0] == phase}


def weight_bound(spec: GanSpec, optimizer: OptimizerName, /) -> float | None:
    """Return the bound that parameters are held to after each update of this optimizer, or None."""
    clipping = spec.training.weight_clipping
    return None if clipping is None or optimizer != "discriminator" else float(clipping.bound)


def gradient_clipping(spec: GanSpec, optimizer: OptimizerName, /) -> GradientClipping | None:
    """Return what gradients are held to before each update of this optimizer, or None."""
    clippings = {"discriminator": spec.training.discriminator_clipping, "generator": spec.training.generator_clipping}
    return clippings.get(optimizer)


def network_parameters(spec: GanSpec, network: str, /) -> tuple[TensorSpec, ...]:
    """Return the trained tensors of one network, "generator" or "discriminator", in canonical order."""
    return tuple(t for t in state_schema(spec).values() if t.role == "parameter" and t.network == network)


def require_parameters(spec: GanSpec, /, *, framework: str) -> None:
    """Raise UnsupportedLayer, in a framework's name whose optimizers take no empty list, for a network without any."""
    for network in spec.networks():
        if not network_parameters(spec, network):
            raise UnsupportedLayer(
                f"{framework}'s optimizers take no network without parameters, and {spec.name}'s {network} has none; "
                "give it a layer that has some"
            )


@lru_cache(maxsize=64)
def state_schema(spec: GanSpec, /) -> Mapping[str, TensorSpec]:
    """Return every tensor of the spec's state by canonical name: G's, D's, the optimizers', G's averages, a balance."""
    tensors: list[TensorSpec] = []
    for network_name, network in spec.networks().items():
        tensors += _network_tensors(network_name, network)
    parameters = [tensor for tensor in tensors if tensor.role == "parameter"]
    for name, (network_name, optimizer) in optimizers(spec).items():
        for parameter in parameters:
            if parameter.network == network_name:
                tensors += [
                    _slot(name, parameter, slot, begins=initial_slot(optimizer, slot)) for slot in optimizer.slots
                ]
        tensors.append(_counter(name, network_name))
    if spec.training.generator_average is not None:
        own = _network_tensors("generator", spec.generator)
        tensors += [replace(tensor, name=average_name(tensor.name), role="average") for tensor in own]
    if spec.training.balanced is not None:
        tensors.append(_balance(begins=spec.training.balanced.initial_balance))
    return MappingProxyType({tensor.name: tensor for tensor in tensors})


def _network_tensors(network_name: str, network: Network) -> Iterator[TensorSpec]:
    for placed in network.placed:
        for short, parameter in placed.layer.parameters().items():
            yield _layer_tensor(network_name, placed.name, short, parameter, "parameter")
        for short, buffer in placed.layer.buffers().items():
            yield _layer_tensor(network_name, placed.name, short, buffer, "buffer")


def _layer_tensor(network: str, layer: str, short: str, parameter: ParameterSpec, role: Role) -> TensorSpec:
    name = parameter_name(network, layer, short)
    return TensorSpec(
        name=name,
        shape=parameter.shape,
        role=role,
        network=network,
        layer=layer,
        tensor=name,
        initializer=parameter.initializer,
        fan_in=parameter.fan_in,
    )


def _slot(optimizer: str, parameter: TensorSpec, slot: str, *, begins: float) -> TensorSpec:
    return TensorSpec(
        name=slot_name(optimizer, parameter.name, slot),
        shape=parameter.shape,
        role="slot",
        network=parameter.network,
        layer=parameter.layer,
        tensor=parameter.name,
        initializer=Constant(value=begins) if begins else None,
        fan_in=1,
    )


def _counter(optimizer: str, network: str) -> TensorSpec:
    name = counter_name(optimizer)
    return TensorSpec(
        name=name, shape=(), role="counter", network=network, layer="", tensor=name, initializer=None, fan_in=1
    )


def _balance(*, begins: float) -> TensorSpec:
    return TensorSpec(
        name=BALANCE,
        shape=(),
        role="balance",
        network="",
        layer="",
        tensor=BALANCE,
        initializer=Constant(value=begins),
        fan_in=1,
    )
