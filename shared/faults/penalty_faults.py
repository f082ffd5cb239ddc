"""Mistakes in the gradient penalty of the discriminator's loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.data_faults import outputs_of
from gan_rosetta.shared.faults.fault import Fault, Number, Plant, another
from gan_rosetta.shared.faults.places import loss_of, replace_training
from gan_rosetta.shared.spec import GanSpec, GradientPenalty


def _penalised(spec: GanSpec) -> tuple[Any, GradientPenalty] | None:
    loss, penalty = spec.training.discriminator_loss, spec.penalty
    return None if penalty is None else (loss, penalty)


def _penalty_place(spec: GanSpec) -> list[Plant]:
    """Take it at the other samples; what is between, or at both, is of faults of its own."""
    found = _penalised(spec)
    words = {"real": "at real samples", "fake": "at fake samples"}
    if found is None or found[1].at not in words:
        return []
    loss, penalty = found
    other = replace(penalty, at="fake" if penalty.at == "real" else "real")
    return [
        Plant(
            spec=replace_training(spec, discriminator_loss=replace(loss, penalty=other)),
            expected=outputs_of(spec, "discriminator", "discriminator"),
            found=words[other.at],
            expected_value=words[penalty.at],
        )
    ]


def _penalty_power(spec: GanSpec) -> list[Plant]:
    found = _penalised(spec)
    if found is None or found[1].target != 0:
        return []
    loss, penalty = found
    other = replace(penalty, power=4 if penalty.power == 2 else 2)
    return [
        Plant(
            spec=replace_training(spec, discriminator_loss=replace(loss, penalty=other)),
            expected=loss_of("discriminator", "penalty"),
            found=str(other.power),
            expected_value=str(penalty.power),
        )
    ]


def _penalty_changed(field: str, words: dict[str, str]) -> Callable[[GanSpec], list[Plant]]:
    """Plant the other of two ways to take a penalty, where the spec has one of them."""

    def plants(spec: GanSpec) -> list[Plant]:
        found = _penalised(spec)
        if found is None or getattr(found[1], field) not in words:
            return []
        loss, penalty = found
        own = getattr(penalty, field)
        (other,) = set(words) - {own}
        changes: dict[str, Any] = {field: other}
        changed = replace(loss, penalty=replace(penalty, **changes))
        samples = outputs_of(spec, "discriminator", "discriminator")
        return [
            Plant(
                spec=replace_training(spec, discriminator_loss=changed),
                expected=samples if field == "deviation" else loss_of("discriminator", "penalty"),
                found=words[other],
                expected_value=words[own],
            )
        ]

    return plants


def _penalty_beside(spec: GanSpec) -> list[Plant]:
    """Lead D's loss back too, or the penalty alone."""
    found = _penalised(spec)
    if found is None or not spec.training.detach_fake:
        return []
    loss, penalty = found
    words = {True: "the penalty alone", False: "its loss and the penalty"}
    changed = replace(loss, penalty=replace(penalty, alone=not penalty.alone))
    return [
        Plant(
            spec=replace_training(spec, discriminator_loss=changed),
            expected=loss_of("discriminator"),
            found=words[not penalty.alone],
            expected_value=words[penalty.alone],
        )
    ]


def _penalty_axis(spec: GanSpec) -> list[Plant]:
    found = _penalised(spec)
    if found is None or len(spec.real.sample_shape) == 1:
        # With one axis a sample, both norms are the same.
        return []
    loss, penalty = found
    words = {"sample": "over all axes of a sample", "channel": "over the channels alone, pixel by pixel"}
    other = replace(penalty, norm="sample" if penalty.norm == "channel" else "channel")
    return [
        Plant(
            spec=replace_training(spec, discriminator_loss=replace(loss, penalty=other)),
            expected=loss_of("discriminator", "penalty"),
            found=words[other.norm],
            expected_value=words[penalty.norm],
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
    return [Plant(spec=with_value(number.planted), expected=loss_of("discriminator", "penalty"), number=number)]


FAULTS: tuple[Fault, ...] = (
    Fault(
        name="penalty-norm-axis",
        summary="the gradient penalty's norm over other axes",
        remedy="The norm in the gradient penalty is taken {found}: take it {expected}.",
        plants=_penalty_axis,
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
        plants=_penalty_place,
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
        plants=_penalty_changed(
            "deviation",
            {"biased": "the biased one, of squares divided by n", "unbiased": "the unbiased one, divided by n - 1"},
        ),
    ),
    Fault(
        name="penalty-largest",
        summary="the mean of the penalty's terms in place of the largest alone, or the other way round",
        remedy="The gradient penalty takes {found}: take {expected}.",
        plants=_penalty_changed("over", {"mean": "the mean of its terms", "largest": "the largest term alone"}),
    ),
    Fault(
        name="penalty-alone",
        summary="D's loss led back beside the gradient penalty that it follows alone, or left out",
        remedy="The discriminator follows {found}: let it follow {expected}.",
        plants=_penalty_beside,
    ),
)
