"""The optimizers of torch in the spec's words, with all their settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import ConstantRate, Optimizer


def read_optimizer(optimizer: torch.optim.Optimizer, network: nn.Module, /, *, what: str) -> Optimizer:
    """Return an optimizer with all its settings; raises UnsupportedLayer for what the spec has no word for."""
    if type(optimizer) not in _OPTIMIZERS:
        known = ", ".join(f"torch.optim.{kind.__name__}" for kind in _OPTIMIZERS)
        raise UnsupportedLayer(f"{what} is a {type(optimizer).__name__}; known: {known}")
    if len(optimizer.param_groups) != 1:
        raise UnsupportedLayer(f"{what} has {len(optimizer.param_groups)} groups of parameters; expected one")
    (group,) = optimizer.param_groups
    moved, own = {id(each) for each in group["params"]}, {id(each) for each in network.parameters()}
    if moved != own:
        raise UnsupportedLayer(
            f"{what} moves {len(moved & own)} of its network's {len(own)} parameters, and {len(moved - own)} others; "
            "expected all of its network's and no other"
        )
    if "initial_lr" in group:
        raise UnsupportedLayer(f"{what} has a schedule of rates, which is not read; write it into the spec by hand")
    read, settings = _OPTIMIZERS[type(optimizer)]
    for name, expected in settings.items():
        if name in group and group[name] != expected:
            raise UnsupportedLayer(f"{what} has {name}={group[name]!r}; only {name}={expected!r} has a word in a spec")
    return read(group, ConstantRate(value=float(group["lr"])))


def steps_taken(optimizer: torch.optim.Optimizer, /) -> set[int]:
    """Return how many steps an optimizer counts, 0 where it has not begun; several where parameters differ in it."""
    (group,) = optimizer.param_groups
    return {int(optimizer.state.get(parameter, {}).get("step", 0)) for parameter in group["params"]}


def _sgd(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    del group
    return spec.GradientDescent(learning_rate=rate)


def _adam(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    beta1, beta2 = map(float, group["betas"])
    return spec.Adam(
        learning_rate=rate,
        beta1=beta1,
        beta2=beta2,
        epsilon=group["eps"],
        epsilon_placement="outside",
        bias_correction=True,
    )


def _adadelta(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    return spec.Adadelta(learning_rate=rate, rho=group["rho"], epsilon=group["eps"])


def _rmsprop(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    return spec.RMSprop(
        learning_rate=rate,
        rho=group["alpha"],
        epsilon=group["eps"],
        epsilon_placement="outside",
        centered=bool(group["centered"]),
        momentum=float(group["momentum"]),
        momentum_of="direction",
    )


_PLAIN = {"weight_decay": 0, "maximize": False}
_OPTIMIZERS: dict[type, tuple[Callable[[dict[str, Any], ConstantRate], Optimizer], dict[str, Any]]] = {
    torch.optim.SGD: (_sgd, {**_PLAIN, "momentum": 0, "nesterov": False}),
    torch.optim.Adam: (_adam, {**_PLAIN, "amsgrad": False}),
    torch.optim.Adadelta: (_adadelta, _PLAIN),
    torch.optim.RMSprop: (_rmsprop, _PLAIN),
}
