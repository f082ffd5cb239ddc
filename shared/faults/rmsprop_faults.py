"""Mistakes in RMSprop, and in the clipping of weights that goes with it."""

from __future__ import annotations

from gan_rosetta.shared.faults.fault import Fault, Location, Number, Plant
from gan_rosetta.shared.faults.optimizer_faults import epsilon_moved, number_fault
from gan_rosetta.shared.faults.places import replace_training
from gan_rosetta.shared.spec import GanSpec, RMSprop, WeightClipping

_CLIPPED = Location(phase="discriminator", quantities=("parameter",))
_WIDER = 10.0


def _not_clipped(spec: GanSpec) -> list[Plant]:
    if spec.training.weight_clipping is None:
        return []
    bound = f"{spec.training.weight_clipping.bound:g}"
    return [Plant(spec=replace_training(spec, weight_clipping=None), expected=_CLIPPED, expected_value=bound)]


def _clipped_wider(spec: GanSpec) -> list[Plant]:
    clipping = spec.training.weight_clipping
    if clipping is None:
        return []

    def with_value(bound: float) -> GanSpec:
        return replace_training(spec, weight_clipping=WeightClipping(bound=bound))

    planted = _WIDER * clipping.bound
    number = Number(expected=clipping.bound, planted=planted, with_value=with_value, is_scale=True)
    return [Plant(spec=with_value(planted), expected=_CLIPPED, number=number)]


FAULTS = (
    number_fault(
        "rmsprop-rho",
        "RMSprop's ρ 0.9, Keras's and MXNet's default",
        RMSprop,
        "rho",
        word="ρ",
        planted=0.9,
        subject="rmsprop-rho",
    ),
    number_fault(
        "rmsprop-epsilon-value",
        "RMSprop's ε 1e-7, Keras's default",
        RMSprop,
        "epsilon",
        word="ε",
        planted=1e-7,
        subject="rmsprop-epsilon",
        is_scale=True,
    ),
    Fault(
        name="rmsprop-epsilon-placement",
        summary="RMSprop's ε on the other side of the root",
        remedy="ε is added {found} in {place}: add it {expected}. torch adds it to the root; Keras, MXNet and optax "
        "add it under the root.",
        plants=epsilon_moved(RMSprop, {"outside": "to the root", "inside": "to the mean of squares, under the root"}),
        together="every RMSprop",
    ),
    Fault(
        name="weights-not-clipped",
        summary="D's parameters left free after its update",
        remedy="The discriminator's parameters are not clipped: after each of its updates hold every one, biases too, "
        "to ±{expected}.",
        plants=_not_clipped,
    ),
    Fault(
        name="weights-clipped-wider",
        summary="D's parameters held to ten times their bound",
        remedy="The discriminator's parameters are held to ±{found} after its update: hold them to ±{expected}.",
        plants=_clipped_wider,
    ),
)
