"""Mistakes in momentum, in the largest second moment, and in Adagrad's root."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.fault import Fault, Number, Plant, another
from gan_rosetta.shared.faults.optimizer_faults import epsilon_moved, number_fault, optimizer_plant
from gan_rosetta.shared.faults.places import find_optimizers, replace_optimizer
from gan_rosetta.shared.spec import Adagrad, Adam, ConstantRate, GanSpec, GradientDescent, RMSprop

_WITH_MOMENTUM = (GradientDescent, RMSprop)


def _with_momentum(spec: GanSpec) -> list[tuple[str, Any]]:
    return [(name, own) for name, own in find_optimizers(spec, _WITH_MOMENTUM) if own.momentum > 0]


def _momentum(spec: GanSpec) -> list[Plant]:
    def plant(name: str, optimizer: Any) -> Plant:
        def with_value(momentum: float) -> GanSpec:
            return replace_optimizer(spec, name, replace(optimizer, momentum=momentum))

        planted = another(0.5, expected=optimizer.momentum)
        number = Number(expected=optimizer.momentum, planted=planted, with_value=with_value)
        return optimizer_plant(spec, name, replace(optimizer, momentum=planted), number=number)

    return [plant(*found) for found in _with_momentum(spec)]


def _nesterov(spec: GanSpec) -> list[Plant]:
    words = {True: "looks ahead", False: "does not look ahead"}
    return [
        optimizer_plant(
            spec,
            name,
            replace(optimizer, nesterov=not optimizer.nesterov),
            found=words[not optimizer.nesterov],
            expected_value=words[optimizer.nesterov],
        )
        for name, optimizer in _with_momentum(spec)
        if isinstance(optimizer, GradientDescent)
    ]


def _of_the_other(spec: GanSpec) -> list[Plant]:
    """Return a plant for each momentum whose two kinds part, as the learning rate changes."""
    words = {"direction": "of directions, and multiplied by the learning rate", "step": "of steps, the rate in them"}
    plants = []
    for name, optimizer in _with_momentum(spec):
        other = "step" if optimizer.momentum_of == "direction" else "direction"
        if not isinstance(optimizer.learning_rate, ConstantRate):
            changed = replace(optimizer, momentum_of=other)
            own = words[optimizer.momentum_of]
            plants.append(optimizer_plant(spec, name, changed, found=words[other], expected_value=own))
    return plants


def _amsgrad(spec: GanSpec) -> list[Plant]:
    words = {"as_kept": "v as it is kept", "corrected": "v corrected for its start at 0"}
    plants = []
    for name, adam in find_optimizers(spec, Adam):
        if adam.amsgrad != "no" and adam.bias_correction and adam.epsilon_placement == "outside":
            other: Any = "corrected" if adam.amsgrad == "as_kept" else "as_kept"
            changed = replace(adam, amsgrad=other)
            plants.append(optimizer_plant(spec, name, changed, found=words[other], expected_value=words[adam.amsgrad]))
    return plants


FAULTS = (
    Fault(
        name="momentum",
        summary="a momentum of 0.5",
        remedy="The momentum of {place} is {found}: set it to {expected}.",
        plants=_momentum,
        together="every momentum",
    ),
    Fault(
        name="nesterov",
        summary="Nesterov's momentum where it should be plain, or the other way round",
        remedy="The momentum of {place} {found}: it should be one that {expected}; see its nesterov.",
        plants=_nesterov,
        together="every momentum",
    ),
    Fault(
        name="momentum-of-the-other",
        summary="a momentum of steps where it should be of directions, or the other way round",
        remedy="The momentum of {place} is {found}: it should be {expected}. torch and optax.sgd keep directions, "
        "Keras and MXNet steps; the two part where the learning rate changes.",
        plants=_of_the_other,
        together="every momentum",
    ),
    Fault(
        name="amsgrad-form",
        summary="AMSGrad's largest of the other of v and v corrected",
        remedy="AMSGrad in {place} keeps the largest of {found}: let it be of {expected}. torch and Keras take v, "
        "optax v corrected.",
        plants=_amsgrad,
        together="every Adam",
    ),
    Fault(
        name="adagrad-epsilon-placement",
        summary="Adagrad's ε on the other side of the root",
        remedy="ε is added {found} in {place}: add it {expected}. torch adds it to the root; Keras, MXNet and optax "
        "add it under the root.",
        plants=epsilon_moved(Adagrad, {"outside": "to the root", "inside": "to the sum of squares, under the root"}),
        together="every Adagrad",
    ),
    number_fault(
        "adagrad-epsilon-value",
        "Adagrad's ε 1e-7, Keras's and optax's default",
        Adagrad,
        "epsilon",
        word="ε",
        planted=1e-7,
        subject="",
        is_scale=True,
    ),
)
