"""Mistakes in the gradient penalty of the discriminator's loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.data_faults import outputs_of
from gan_rosetta.shared.faults.fault import Fault, Location, Number, Plant, another
from gan_rosetta.shared.faults.places import loss_of, replace_training
from gan_rosetta.shared.spec import GanSpec, GradientPenalty

_IN_PENALTY = loss_of("discriminator", "penalty")


def _penalised(spec: GanSpec) -> tuple[Any, GradientPenalty] | None:
    loss, penalty = spec.training.discriminator_loss, spec.penalty
    return None if penalty is None else (loss, penalty)


def _samples(spec: GanSpec) -> Location:
    return outputs_of(spec, "discriminator", "discriminator")


def _exchanged(
    field: str,
    words: dict[Any, str],
    *,
    shown: Callable[[GanSpec], Location],
    where: Callable[[GanSpec], bool] = lambda _: True,
) -> Callable[[GanSpec], list[Plant]]:
    """Plant the other of two values of a field, where the penalty has one of them.

    words: of both values. shown: returns where it must be found. where: whether it changes anything in a GAN.
    """

    def plants(spec: GanSpec) -> list[Plant]:
        found = _penalised(spec)
        if found is None or getattr(found[1], field) not in words or not where(spec):
            return []
        loss, penalty = found
        own = getattr(penalty, field)
        (other,) = set(words) - {own}
        changes: dict[str, Any] = {field: other}
        changed = replace(loss, penalty=replace(penalty, **changes))
        return [
            Plant(
                spec=replace_training(spec, discriminator_loss=changed),
                expected=shown(spec),
                found=words[other],
                expected_value=words[own],
            )
        ]

    return plants


def _penalty_power(spec: GanSpec) -> list[Plant]:
    found = _penalised(spec)
    if found is None or found[1].target != 0:
        return []
    loss, penalty = found
    other = replace(penalty, power=4 if penalty.power == 2 else 2)
    return [
        Plant(
            spec=replace_training(spec, discriminator_loss=replace(loss, penalty=other)),
            expected=_IN_PENALTY,
            found=str(other.power),
            expected_value=str(penalty.power),
        )
    ]


def _penalty_weight(spec: GanSpec) -> list[Plant]:
    found = _penalised(spec)
    if found is None:
        return []
    loss, penalty = found

    def with_value(weight: float) -> GanSpec:
        changed = replace(loss, penalty=replace(penalty, weight=weight))
        return replace_training(spec, discriminator_loss=changed)

    planted = another(penalty.weight / 10, expected=penalty.weight)
    number = Number(expected=penalty.weight, planted=planted, with_value=with_value)
    return [Plant(spec=with_value(number.planted), expected=_IN_PENALTY, number=number)]


FAULTS: tuple[Fault, ...] = (
    Fault(
        name="penalty-norm-axis",
        summary="the gradient penalty's norm over other axes",
        remedy="The norm in the gradient penalty is taken {found}: take it {expected}.",
        plants=_exchanged(
            "norm",
            {"sample": "over all axes of a sample", "channel": "over the channels alone, pixel by pixel"},
            shown=lambda _: _IN_PENALTY,
            # With one axis a sample, both norms are the same.
            where=lambda spec: len(spec.real.sample_shape) > 1,
        ),
    ),
    Fault(
        name="penalty-weight",
        summary="a tenth of the gradient penalty",
        remedy="The weight of the gradient penalty is {found}: set it to {expected}.",
        plants=_penalty_weight,
    ),
    Fault(
        name="penalty-place",
        summary="the gradient penalty at fake samples in place of real ones, or the other way round",
        remedy="The gradient penalty is taken {found}: take it {expected}.",
        # What is between, or at both, is of faults of its own.
        plants=_exchanged("at", {"real": "at real samples", "fake": "at fake samples"}, shown=_samples),
    ),
    Fault(
        name="penalty-power",
        summary="another power of the gradient's norm in the penalty",
        remedy="The gradient's norm is raised to the power {found} in the penalty: raise it to {expected}.",
        plants=_penalty_power,
    ),
    Fault(
        name="penalty-deviation",
        summary="the deviation by which a penalty's real samples are moved divided by n in place of n - 1, or so",
        remedy="The deviation in the gradient penalty is {found}: take {expected}.",
        plants=_exchanged(
            "deviation",
            {"biased": "the biased one, of squares divided by n", "unbiased": "the unbiased one, divided by n - 1"},
            shown=_samples,
        ),
    ),
    Fault(
        name="penalty-largest",
        summary="the mean of the penalty's terms in place of the largest alone, or the other way round",
        remedy="The gradient penalty takes {found}: take {expected}.",
        plants=_exchanged(
            "over",
            {"mean": "the mean of its terms", "largest": "the largest term alone"},
            shown=lambda _: _IN_PENALTY,
        ),
    ),
    Fault(
        name="penalty-alone",
        summary="D's loss led back beside the gradient penalty that it follows alone, or left out",
        remedy="The discriminator follows {found}: let it follow {expected}.",
        plants=_exchanged(
            "alone",
            {True: "the penalty alone", False: "its loss and the penalty"},
            shown=lambda _: loss_of("discriminator"),
            where=lambda spec: spec.training.detach_fake,
        ),
    ),
)
