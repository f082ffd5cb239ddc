"""Mistakes in optimizers and learning rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.fault import Fault, Location, Plant
from gan_rosetta.shared.faults.places import find_optimizer, replace_optimizer, update_of
from gan_rosetta.shared.spec import Adadelta, Adam, ConstantRate, ExponentialDecay, GanSpec, GradientDescent


def _optimizer_fault(name: str, summary: str, kind: type | tuple[type, ...], change: Callable[[Any], Any]) -> Fault:
    def plant(spec: GanSpec) -> Plant | None:
        found = find_optimizer(spec, kind)
        if found is None:
            return None
        network, optimizer = found
        return Plant(spec=replace_optimizer(spec, network, change(optimizer)), expected=update_of(network))

    return Fault(name=name, summary=summary, plant=plant)


def _other_placement(adam: Adam) -> Adam:
    return replace(adam, epsilon_placement="hat" if adam.epsilon_placement == "outside" else "outside")


def _decay_not_staircase(spec: GanSpec) -> Plant | None:
    if spec.pretraining is not None and isinstance(spec.pretraining.optimizer, GradientDescent):
        rate = spec.pretraining.optimizer.learning_rate
        if isinstance(rate, ExponentialDecay):
            changed = replace(spec.pretraining.optimizer, learning_rate=replace(rate, staircase=not rate.staircase))
            planted = replace(spec, pretraining=replace(spec.pretraining, optimizer=changed))
            return Plant(spec=planted, expected=Location(phase="pretraining", quantities=("parameter",)))
    found = find_optimizer(spec, GradientDescent)
    if found is None or not isinstance(found[1].learning_rate, ExponentialDecay):
        return None
    network, optimizer = found
    rate = optimizer.learning_rate
    changed = replace(optimizer, learning_rate=replace(rate, staircase=not rate.staircase))
    return Plant(spec=replace_optimizer(spec, network, changed), expected=update_of(network))


def _twice_the_rate(optimizer: Any) -> Any:
    rate = optimizer.learning_rate
    if isinstance(rate, ConstantRate):
        return replace(optimizer, learning_rate=ConstantRate(value=2 * rate.value))
    return replace(optimizer, learning_rate=replace(rate, initial=2 * rate.initial))


FAULTS = (
    _optimizer_fault("adam-epsilon-hat", "Adam's ε on the other side of the bias correction", Adam, _other_placement),
    _optimizer_fault(
        "adam-epsilon-value", "Adam's ε 1e-7, Keras's default", Adam, lambda adam: replace(adam, epsilon=1e-7)
    ),
    _optimizer_fault("adam-beta1", "Adam's β1 0.5, DCGAN's", Adam, lambda adam: replace(adam, beta1=0.5)),
    _optimizer_fault("adam-beta2", "Adam's β2 0.99", Adam, lambda adam: replace(adam, beta2=0.99)),
    _optimizer_fault(
        "adam-no-bias-correction",
        "Adam without bias correction",
        Adam,
        lambda adam: replace(adam, bias_correction=not adam.bias_correction),
    ),
    _optimizer_fault(
        "adadelta-rho", "Adadelta's ρ 0.95, Keras's default", Adadelta, lambda optimizer: replace(optimizer, rho=0.95)
    ),
    _optimizer_fault(
        "adadelta-epsilon",
        "Adadelta's ε 1e-7, Keras's default",
        Adadelta,
        lambda optimizer: replace(optimizer, epsilon=1e-7),
    ),
    _optimizer_fault(
        "learning-rate-doubled", "twice the learning rate", (GradientDescent, Adam, Adadelta), _twice_the_rate
    ),
    Fault(
        name="decay-not-staircase",
        summary="learning rate decayed at every step, not by steps",
        plant=_decay_not_staircase,
    ),
)
