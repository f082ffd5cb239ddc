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
    """Return how many steps an optimizer counts, 0 where it has not begun; several where parameters differ in it.

    None where it keeps something and counts nothing, as torch.optim.SGD does with a momentum.
    """
    (group,) = optimizer.param_groups
    states = [optimizer.state.get(parameter, {}) for parameter in group["params"]]
    if any("step" not in state and any(kept is not None for kept in state.values()) for state in states):
        return set()
    return {int(state.get("step", 0)) for state in states}


def _sgd(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    return spec.GradientDescent(
        learning_rate=rate,
        momentum=float(group["momentum"]),
        momentum_of="direction",
        nesterov=bool(group["nesterov"]),
        weight_decay=_decay(group),
    )


def _adam(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    beta1, beta2 = map(float, group["betas"])
    return spec.Adam(
        learning_rate=rate,
        beta1=beta1,
        beta2=beta2,
        epsilon=group["eps"],
        epsilon_placement="outside",
        bias_correction=True,
        amsgrad="as_kept" if group["amsgrad"] else "no",
        weight_decay=_decay(group),
    )


def _adadelta(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    return spec.Adadelta(learning_rate=rate, rho=group["rho"], epsilon=group["eps"], weight_decay=_decay(group))


def _adagrad(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    return spec.Adagrad(
        learning_rate=rate,
        epsilon=group["eps"],
        epsilon_placement="outside",
        initial_sum=float(group["initial_accumulator_value"]),
        weight_decay=_decay(group),
    )


def _rmsprop(group: dict[str, Any], rate: ConstantRate) -> Optimizer:
    return spec.RMSprop(
        learning_rate=rate,
        rho=group["alpha"],
        epsilon=group["eps"],
        epsilon_placement="outside",
        centered=bool(group["centered"]),
        momentum=float(group["momentum"]),
        momentum_of="direction",
        weight_decay=_decay(group),
    )


def _decay(group: dict[str, Any]) -> spec.WeightDecay | None:
    share = float(group["weight_decay"])
    if share == 0:
        return None
    return spec.WeightDecay(share=share, by="parameter" if group.get("decoupled_weight_decay", False) else "gradient")


_PLAIN = {"maximize": False}
_OPTIMIZERS: dict[type, tuple[Callable[[dict[str, Any], ConstantRate], Optimizer], dict[str, Any]]] = {
    torch.optim.SGD: (_sgd, {**_PLAIN, "dampening": 0}),
    torch.optim.Adam: (_adam, _PLAIN),
    torch.optim.AdamW: (_adam, _PLAIN),
    torch.optim.Adadelta: (_adadelta, _PLAIN),
    torch.optim.Adagrad: (_adagrad, {**_PLAIN, "lr_decay": 0}),
    torch.optim.RMSprop: (_rmsprop, _PLAIN),
}
