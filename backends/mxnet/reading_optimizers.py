"""The Trainers of Gluon in the spec's words, with all the settings of their optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import ConstantRate, Optimizer


def read_optimizer(optimizer: Any, network: Any, /, *, what: str) -> Optimizer:
    """Return an optimizer with all its settings; raises UnsupportedLayer for what the spec has no word for."""
    if not isinstance(optimizer, mx.gluon.Trainer):
        raise UnsupportedLayer(f"{what} is a {type(optimizer).__name__}; expected a gluon.Trainer")
    moving = optimizer._optimizer
    if type(moving) not in _OPTIMIZERS:
        known = ", ".join(f"mx.optimizer.{kind.__name__}" for kind in _OPTIMIZERS)
        raise UnsupportedLayer(f"{what} has a {type(moving).__name__}; known: {known}")
    moved = {id(each) for each in optimizer._params if each.grad_req != "null"}
    own = {id(each) for each in network.collect_params().values() if each.grad_req != "null"}
    if moved != own:
        raise UnsupportedLayer(
            f"{what} moves {len(moved & own)} of its network's {len(own)} parameters, and {len(moved - own)} others; "
            "expected all of its network's and no other"
        )
    if moving.lr_scheduler is not None:
        raise UnsupportedLayer(f"{what} has a schedule of rates, which is not read; write it into the spec by hand")
    for each in network.collect_params().values():
        if each.grad_req != "null" and each.lr_mult != 1:
            raise UnsupportedLayer(f"{what} moves {each.name} by lr_mult={each.lr_mult}; a spec has one rate for all")
        if each.grad_req != "null" and moving.wd and each.wd_mult != 1:
            raise UnsupportedLayer(f"{what} has wd_mult={each.wd_mult} of {each.name}; a spec's decay is of all alike")
    read, settings = _OPTIMIZERS[type(moving)]
    for name, expected in settings.items():
        found = getattr(moving, name)
        if found not in (expected, None):
            raise UnsupportedLayer(f"{what} has {name}={found!r}; only {name}={expected!r} has a word in a spec")
    return read(moving, ConstantRate(value=float(moving.lr)))


def steps_taken(optimizer: Any, /) -> set[int]:
    """Return how many steps an optimizer counts, 0 where it has not begun; several where parameters differ in it."""
    counts = optimizer._optimizer._index_update_count
    return {int(counts.get(place, 0)) for place, each in enumerate(optimizer._params) if each.grad_req != "null"}


def _gradient_descent(moving: Any, rate: ConstantRate) -> Optimizer:
    """Return MXNet's SGD, or its NAG, which is SGD by Nesterov's form; both keep steps and add them."""
    momentum = float(moving.momentum)
    if momentum and moving.wd and type(moving) is mx.optimizer.NAG:
        # Its operator writes the weight that it moves before it reads that for the momentum.
        raise UnsupportedLayer(
            f"NAG has wd={moving.wd!r}, which MXNet takes of a weight before the step, and into the momentum of the "
            "same weight after it; a spec's decay is of one; set wd=0, or use SGD"
        )
    return spec.GradientDescent(
        learning_rate=rate,
        momentum=momentum,
        momentum_of="step" if momentum else "direction",
        nesterov=bool(momentum) and type(moving) is mx.optimizer.NAG,
        weight_decay=_decay(moving, by="gradient"),
    )


def _adam(moving: Any, rate: ConstantRate) -> Optimizer:
    return spec.Adam(
        learning_rate=rate,
        beta1=float(moving.beta1),
        beta2=float(moving.beta2),
        epsilon=float(moving.epsilon),
        epsilon_placement="hat",
        bias_correction=True,
        weight_decay=_decay(moving, by="gradient"),
    )


def _adadelta(moving: Any, rate: ConstantRate) -> Optimizer:
    """Return MXNet's form, which leaves the rate out, of its decay too."""
    del rate
    return spec.Adadelta(
        learning_rate=ConstantRate(value=1.0),
        rho=float(moving.rho),
        epsilon=float(moving.epsilon),
        weight_decay=_decay(moving, by="parameter_alone"),
    )


def _adagrad(moving: Any, rate: ConstantRate) -> Optimizer:
    """Return MXNet's form, whose decay stands beside the step, where those of its other optimizers are gradients."""
    return spec.Adagrad(
        learning_rate=rate,
        epsilon=float(moving.float_stable_eps),
        epsilon_placement="inside",
        initial_sum=0.0,
        weight_decay=_decay(moving, by="parameter"),
    )


def _rmsprop(moving: Any, rate: ConstantRate) -> Optimizer:
    """Return MXNet's form, which has a momentum (gamma2) where it is centered, and none where not."""
    return spec.RMSprop(
        learning_rate=rate,
        rho=float(moving.gamma1),
        epsilon=float(moving.epsilon),
        epsilon_placement="inside",
        centered=bool(moving.centered),
        momentum=float(moving.gamma2) if moving.centered else 0.0,
        momentum_of="step",
        weight_decay=_decay(moving, by="gradient"),
    )


def _decay(moving: Any, *, by: Literal["gradient", "parameter", "parameter_alone"]) -> spec.WeightDecay | None:
    share = float(moving.wd)
    return None if share == 0 else spec.WeightDecay(share=share, by=by)


_PLAIN = {"clip_gradient": None}
_OPTIMIZERS: dict[type, tuple[Callable[[Any, ConstantRate], Optimizer], dict[str, Any]]] = {
    mx.optimizer.SGD: (_gradient_descent, _PLAIN),
    mx.optimizer.NAG: (_gradient_descent, _PLAIN),
    mx.optimizer.Adam: (_adam, _PLAIN),
    mx.optimizer.AdaDelta: (_adadelta, _PLAIN),
    mx.optimizer.AdaGrad: (_adagrad, _PLAIN),
    mx.optimizer.RMSProp: (_rmsprop, {**_PLAIN, "clip_weights": None}),
}
