"""Where GANs go when they go badly, and how to send one there: into saturation, losses of 0, infinities, far on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gan_rosetta.shared.spec import ConstantRate, GanSpec, GradientDescent, Network, Normal

_FAR = 40
_SATURATING_DEVIATION = 30.0
_WINNING_RATE, _EXPLODING_RATE = 0.5, 1e3
# The gradient of squares grows with the scores: at the other rate the third step's sums overflow, and whether terms of
# both signs then give an infinity or NaN hangs on the order in which they are added.
_EXPLODING_RATE_OF_SQUARES = 0.3


def _saturated(spec: GanSpec) -> GanSpec:
    """D is sure of itself from the first step on: its scores are in the hundreds."""
    return replace(spec, discriminator=_with_wide_last_layer(spec.discriminator))


def _vanishing(spec: GanSpec) -> GanSpec:
    """D learns fast and G stands still, so that D's loss goes to 0."""
    return _with_rates(spec, discriminator=_WINNING_RATE, generator=0.0)


def _exploding(spec: GanSpec) -> GanSpec:
    """Both take steps far beyond what their losses' slopes say of."""
    squares = spec.training.discriminator_loss.score == "squares"
    rate = _EXPLODING_RATE_OF_SQUARES if squares else _EXPLODING_RATE
    return _with_rates(spec, discriminator=rate, generator=rate)


def _far_on(spec: GanSpec) -> GanSpec:
    """As it is, for many steps."""
    return replace(spec, training=replace(spec.training, num_steps=_FAR))


REGIMES: Mapping[str, Callable[[GanSpec], GanSpec]] = {
    "saturated": _saturated,
    "vanishing": _vanishing,
    "exploding": _exploding,
    "far on": _far_on,
}


def _with_rates(spec: GanSpec, *, discriminator: float, generator: float) -> GanSpec:
    training = replace(
        spec.training,
        num_steps=_FAR,
        discriminator_optimizer=GradientDescent(learning_rate=ConstantRate(value=discriminator)),
        generator_optimizer=GradientDescent(learning_rate=ConstantRate(value=generator)),
    )
    return replace(spec, training=training)


def _with_wide_last_layer(network: Network) -> Network:
    # The last may be inside of branches, as before an inner product with a class's embedding.
    last = max(index for index, placed in enumerate(network.placed) if hasattr(placed.layer, "bias_init"))
    wide: Any = {"weight_init": Normal(standard_deviation=_SATURATING_DEVIATION)}
    layer: Any = network.placed[last].layer
    return network.replaced(last, replace(layer, **wide))
