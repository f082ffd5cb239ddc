"""The optimizers of Keras in the spec's words, with all their settings."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import ConstantRate, Optimizer

# Settings that a spec has no word for, with the values at which they do nothing.
_PLAIN = {
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


_KNOWN = (
    keras.optimizers.SGD,
    keras.optimizers.Adam,
    keras.optimizers.AdamW,
    keras.optimizers.RMSprop,
    keras.optimizers.Adadelta,
    keras.optimizers.Adagrad,
)


def read_optimizer(optimizer: Any, network: Any, /, *, what: str) -> Optimizer:
    """Return an optimizer with all its settings; raises UnsupportedLayer for what the spec has no word for."""
    kind = type(optimizer)
    if kind not in _KNOWN:
        known = ", ".join(each.__name__ for each in _KNOWN)
        raise UnsupportedLayer(f"{what} is a {kind.__name__}; known: keras.optimizers.{known}")
    if optimizer.built:
        own = {id(each) for each in network.trainable_variables}
        moved = {id(each) for each in optimizer._trainable_variables}
        if moved != own:
            raise UnsupportedLayer(
                f"{what} moves {len(moved & own)} of its network's {len(own)} parameters, and {len(moved - own)} others"
            )
    config = optimizer.get_config()
    if isinstance(config["learning_rate"], dict):
        raise UnsupportedLayer(f"{what} has a schedule of rates, which is not read; write it into the spec by hand")
    for name, expected in _PLAIN.items():
        if config.get(name, expected) not in (expected, None):
            raise UnsupportedLayer(f"{what} has {name}={config[name]!r}; only {name}={expected!r} has a word in a spec")
    # Keras keeps a rate in float32: what was written is the shortest number that becomes it.
    rate = ConstantRate(value=float(str(np.float32(config["learning_rate"]))))
    share = config.get("weight_decay")
    spared = getattr(optimizer, "_exclude_from_weight_decay", None) or getattr(
        optimizer, "_exclude_from_weight_decay_pattern", None
    )
    if share and spared:
        raise UnsupportedLayer(f"{what} spares some parameters its weight decay; a spec's is of all of them")
    decay = None if not share else spec.WeightDecay(share=float(share), by="parameter")
    if kind is keras.optimizers.SGD:
        return spec.GradientDescent(
            learning_rate=rate,
            momentum=float(config["momentum"]),
            momentum_of="step" if config["momentum"] else "direction",
            nesterov=bool(config["nesterov"] and config["momentum"]),
            weight_decay=decay,
        )
    if kind is keras.optimizers.Adagrad:
        return spec.Adagrad(
            learning_rate=rate,
            epsilon=float(config["epsilon"]),
            epsilon_placement="inside",
            initial_sum=float(config["initial_accumulator_value"]),
            weight_decay=decay,
        )
    if kind in (keras.optimizers.Adam, keras.optimizers.AdamW):
        return spec.Adam(
            learning_rate=rate,
            beta1=float(config["beta_1"]),
            beta2=float(config["beta_2"]),
            epsilon=float(config["epsilon"]),
            epsilon_placement="hat",
            bias_correction=True,
            amsgrad="as_kept" if config["amsgrad"] else "no",
            weight_decay=decay,
        )
    rho, epsilon = float(config["rho"]), float(config["epsilon"])
    if kind is keras.optimizers.Adadelta:
        return spec.Adadelta(learning_rate=rate, rho=rho, epsilon=epsilon, weight_decay=decay)
    return spec.RMSprop(
        learning_rate=rate,
        rho=rho,
        epsilon=epsilon,
        epsilon_placement="inside",
        centered=bool(config["centered"]),
        momentum=float(config["momentum"]),
        momentum_of="step",
        weight_decay=decay,
    )


def steps_taken(optimizer: Any, /) -> set[int]:
    """Return how many steps an optimizer counts, 0 where it has not begun: one number of all parameters."""
    return {int(optimizer.iterations)}
