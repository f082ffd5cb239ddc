"""What made-up GANs share: where they are from, a Linear, and an Adam."""

from __future__ import annotations

from gan_rosetta.shared.spec import (
    Adam,
    ConstantRate,
    Linear,
    UniformFanIn,
)

SOURCE = "made up for gan-rosetta's laws"


def linear(name: str, in_features: int, out_features: int) -> Linear:
    """Return a Linear with a bias, both begun evenly by its fan-in."""
    return Linear(
        name=name,
        in_features=in_features,
        out_features=out_features,
        weight_init=UniformFanIn(),
        bias_init=UniformFanIn(),
    )


def adam(learning_rate: float) -> Adam:
    """Return an Adam with ε outside of the corrected root."""
    return Adam(
        learning_rate=ConstantRate(value=learning_rate),
        beta1=0.5,
        beta2=0.9,
        epsilon=1e-8,
        epsilon_placement="outside",
        bias_correction=True,
    )
