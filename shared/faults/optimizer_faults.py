"""Mistakes in optimizers and learning rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.fault import Fault, Number, Plant, another
from gan_rosetta.shared.faults.places import (
    find_optimizers,
    initial_rate,
    optimizer_words,
    replace_optimizer,
    update_of,
    with_rate,
)
from gan_rosetta.shared.spec import (
    Adadelta,
    Adagrad,
    Adam,
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    GanSpec,
    GradientDescent,
    LinearDecay,
    PiecewiseRate,
    RMSprop,
    WarmUp,
)
from gan_rosetta.shared.spec.optimizers import counts_epochs

OPTIMIZERS = (GradientDescent, Adam, Adadelta, RMSprop, Adagrad)


def optimizer_plant(spec: GanSpec, name: str, changed: Any, **fields: Any) -> Plant:
    """Return a plant of another optimizer of that name. fields: of the plant."""
    place = optimizer_words(name, changed)
    return Plant(spec=replace_optimizer(spec, name, changed), expected=update_of(name), place=place, **fields)


def _bias_correction(spec: GanSpec) -> list[Plant]:
    def plant(name: str, adam: Adam) -> Plant:
        other = replace(adam, bias_correction=not adam.bias_correction)
        words = {True: "corrects m and v for their start at 0", False: "takes m and v as they are"}
        return optimizer_plant(
            spec, name, other, found=words[other.bias_correction], expected_value=words[adam.bias_correction]
        )

    # AMSGrad of v corrected has no other form.
    return [plant(*found) for found in find_optimizers(spec, Adam) if found[1].amsgrad != "corrected"]


def number_fault(
    name: str, summary: str, kind: type, field: str, *, word: str, planted: float, subject: str, is_scale: bool = False
) -> Fault:
    """Return a fault of a field that is a number. word: what to call it."""

    def plants(spec: GanSpec) -> list[Plant]:
        return [plant(spec, *found) for found in find_optimizers(spec, kind)]

    def plant(spec: GanSpec, network: str, optimizer: Any) -> Plant:
        def with_value(value: float) -> GanSpec:
            return replace_optimizer(spec, network, replace(optimizer, **{field: value}))

        number = Number(
            expected=getattr(optimizer, field),
            planted=another(planted, expected=getattr(optimizer, field)),
            with_value=with_value,
            subject=subject,
            is_scale=is_scale,
        )
        return optimizer_plant(spec, network, replace(optimizer, **{field: number.planted}), number=number)

    remedy = f"{word} of {{place}} is {{found}}: set it to {{expected}}."
    return Fault(name=name, summary=summary, remedy=remedy, plants=plants, together=f"every {kind.__name__}")


def _rates(spec: GanSpec) -> list[Plant]:
    def plant(name: str, optimizer: Any) -> Plant:
        rate = initial_rate(optimizer)
        number = Number(
            expected=rate,
            planted=another(2 * rate, expected=rate),
            with_value=lambda value: replace_optimizer(spec, name, with_rate(optimizer, value)),
            subject="adadelta-learning-rate" if isinstance(optimizer, Adadelta) else "",
        )
        return optimizer_plant(spec, name, with_rate(optimizer, number.planted), number=number)

    return [plant(*found) for found in find_optimizers(spec, OPTIMIZERS)]


def _scheduled(spec: GanSpec, kind: type) -> list[tuple[str, Any]]:
    """Return the optimizers whose learning rate has a schedule of that kind, pretraining's first."""
    found = [
        (name, optimizer) for name, optimizer in find_optimizers(spec, OPTIMIZERS) if _has_schedule(optimizer, kind)
    ]
    return sorted(found, key=lambda each: each[0] != "pretraining")


def _has_schedule(optimizer: Any, kind: type) -> bool:
    return isinstance(optimizer.learning_rate, kind)


def _decay_not_staircase(spec: GanSpec) -> list[Plant]:
    return [
        optimizer_plant(
            spec,
            name,
            replace(optimizer, learning_rate=replace(optimizer.learning_rate, staircase=other)),
            found=_staircase_words(optimizer.learning_rate, staircase=other),
            expected_value=_staircase_words(optimizer.learning_rate, staircase=not other),
        )
        for name, optimizer in _scheduled(spec, ExponentialDecay)
        if not counts_epochs(optimizer)
        for other in (not optimizer.learning_rate.staircase,)
    ]


def _rate_held(spec: GanSpec) -> list[Plant]:
    """Return a plant for each rate that changes in a line, by a cosine or by pieces, from the second update on."""
    return [
        optimizer_plant(
            spec,
            name,
            replace(optimizer, learning_rate=ConstantRate(value=rate.initial)),
            found=f"{rate.initial:g}",
            expected_value=f"{rate.at(1):.6g}",
        )
        for kind in (LinearDecay, CosineDecay, PiecewiseRate)
        for name, optimizer in _scheduled(spec, kind)
        for rate in (optimizer.learning_rate,)
        if not counts_epochs(optimizer) and rate.at(1) != rate.initial
    ]


def _not_warmed_up(spec: GanSpec) -> list[Plant]:
    return [
        optimizer_plant(
            spec,
            name,
            replace(optimizer, learning_rate=optimizer.learning_rate.after),
            found=f"{optimizer.learning_rate.after.at(0):g}",
            expected_value=f"{optimizer.learning_rate.initial:g}",
        )
        for name, optimizer in _scheduled(spec, WarmUp)
    ]


def _beyond(spec: GanSpec) -> list[Plant]:
    words = {"held": "stays at its last value", "mirrored": "goes up again"}
    return [
        optimizer_plant(
            spec,
            name,
            replace(optimizer, learning_rate=replace(optimizer.learning_rate, beyond=other)),
            found=words[other],
            expected_value=words[optimizer.learning_rate.beyond],
        )
        for name, optimizer in _scheduled(spec, CosineDecay)
        for other in (("mirrored" if optimizer.learning_rate.beyond == "held" else "held"),)
    ]


def _staircase_words(rate: ExponentialDecay, *, staircase: bool) -> str:
    return f"in stairs of {rate.every} steps" if staircase else "a little at every step"


def _decay_each_step(spec: GanSpec) -> list[Plant]:
    return [
        optimizer_plant(
            spec,
            name,
            replace(optimizer, learning_rate=replace(optimizer.learning_rate, every=1, counted="updates")),
            found="every step",
            expected_value=_every_words(optimizer),
        )
        for name, optimizer in _scheduled(spec, ExponentialDecay)
        if optimizer.learning_rate.every > 1 or counts_epochs(optimizer)
    ]


def _every_words(optimizer: Any) -> str:
    count = optimizer.learning_rate.every
    if not counts_epochs(optimizer):
        return f"every {count} steps"
    return f"every {count} passes over the data" if count > 1 else "every pass over the data"


def _decay_added(spec: GanSpec) -> list[Plant]:
    def plant(name: str, optimizer: Any) -> Plant:
        def decaying(factor: float) -> Any:
            rate = ExponentialDecay(initial=optimizer.learning_rate.value, factor=factor, every=1, staircase=False)
            return replace(optimizer, learning_rate=rate)

        number = Number(
            expected=1.0,
            planted=0.98,
            with_value=lambda factor: replace_optimizer(spec, name, decaying(factor)),
            is_scale=True,
        )
        return optimizer_plant(spec, name, decaying(0.98), number=number)

    return [plant(*found) for found in _scheduled(spec, ConstantRate)]


def epsilon_moved(
    kind: type[Adam] | type[RMSprop] | type[Adagrad], words: Mapping[str, str], /
) -> Callable[[GanSpec], list[Plant]]:
    """Return what plants ε in the other of two placements. words: where it is added, by placement."""

    def plants(spec: GanSpec) -> list[Plant]:
        planted = []
        for name, optimizer in find_optimizers(spec, kind):
            if getattr(optimizer, "amsgrad", "no") == "corrected":  # which has no other form
                continue
            own = optimizer.epsilon_placement
            (other,) = words.keys() - {own}
            moved = replace(optimizer, epsilon_placement=other)
            planted.append(optimizer_plant(spec, name, moved, found=words[other], expected_value=words[own]))
        return planted

    return plants


FAULTS = (
    Fault(
        name="adam-epsilon-hat",
        summary="Adam's ε on the other side of the bias correction",
        remedy="ε is added {found} in {place}: add it {expected}. Keras, TensorFlow and MXNet add it to √v before the "
        "correction, torch and optax to √v̂ after it.",
        plants=epsilon_moved(Adam, {"outside": "after the bias correction", "hat": "before the bias correction"}),
        together="every Adam",
    ),
    number_fault(
        "adam-epsilon-value",
        "Adam's ε 1e-7, Keras's default",
        Adam,
        "epsilon",
        word="ε",
        planted=1e-7,
        subject="adam-epsilon",
        is_scale=True,
    ),
    number_fault("adam-beta1", "Adam's β1 0.5, DCGAN's", Adam, "beta1", word="β1", planted=0.5, subject="adam-betas"),
    number_fault("adam-beta2", "Adam's β2 0.99", Adam, "beta2", word="β2", planted=0.99, subject="adam-betas"),
    Fault(
        name="adam-no-bias-correction",
        summary="Adam without bias correction",
        remedy="Bias correction: {place} {found}; expected one that {expected}.",
        plants=_bias_correction,
        together="every Adam",
    ),
    number_fault(
        "adadelta-rho",
        "Adadelta's ρ 0.95, Keras's default",
        Adadelta,
        "rho",
        word="ρ",
        planted=0.95,
        subject="adadelta-rho",
    ),
    number_fault(
        "adadelta-epsilon",
        "Adadelta's ε 1e-7, Keras's default",
        Adadelta,
        "epsilon",
        word="ε",
        planted=1e-7,
        subject="adadelta-epsilon",
        is_scale=True,
    ),
    Fault(
        name="learning-rate-doubled",
        summary="twice the learning rate",
        remedy="The learning rate of {place} is {found}: set it to {expected}.",
        plants=_rates,
        together="every optimizer",
    ),
    Fault(
        name="schedule-missing",
        summary="a learning rate that stays where it should fall in a line, by a cosine or by pieces",
        remedy="The learning rate of {place} stays {found}: in the second update it should be {expected}; step the "
        "schedule.",
        plants=_rate_held,
        together="every schedule",
    ),
    Fault(
        name="warm-up-missing",
        summary="a learning rate that is not warmed up",
        remedy="The learning rate of {place} begins at {found}: it should begin at {expected}, and be warmed up.",
        plants=_not_warmed_up,
        together="every warm-up",
    ),
    Fault(
        name="cosine-beyond",
        summary="a cosine's learning rate goes up again after its duration, or stays, where it should not",
        remedy="After its duration the learning rate of {place} {found}: it should be one that {expected}. torch's "
        "CosineAnnealingLR goes up again, Keras's and optax's stay.",
        plants=_beyond,
        together="every cosine",
    ),
    Fault(
        name="decay-not-staircase",
        summary="learning rate decayed at every step, not by steps",
        remedy="The learning rate of {place} decays {found}: let it decay {expected}.",
        plants=_decay_not_staircase,
        together="every optimizer",
    ),
    Fault(
        name="decay-each-step",
        summary="a decay meant for every so many steps applied at each",
        remedy="The learning rate of {place} decays once {found}: let it decay once {expected}; the schedule is "
        "stepped too often, or counts in another unit.",
        plants=_decay_each_step,
        together="every optimizer",
    ),
    Fault(
        name="decay-added",
        summary="a constant learning rate decayed, by 2 % a step",
        remedy="The learning rate of {place} is multiplied by {found} at each step: keep it constant.",
        plants=_decay_added,
        together="every optimizer",
    ),
)
