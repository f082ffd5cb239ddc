"""Mistakes in what G's loss has of how far its samples are from the real ones, and in the holes that it is to fill."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.faults.fault import Fault, Location, Number, Plant
from gan_rosetta.shared.faults.places import loss_of, replace_training
from gan_rosetta.shared.spec import DistanceLoss, GanSpec

_WORDS = {"absolute": "absolute differences", "squares": "squares of differences"}


def _other_weight(spec: GanSpec) -> list[Plant]:
    loss = spec.training.distance_loss
    if loss is None:
        return []

    def with_weight(weight: float) -> GanSpec:
        return replace_training(spec, distance_loss=DistanceLoss(by=loss.by, weight=weight))

    number = Number(expected=loss.weight, planted=loss.weight / 10, with_value=with_weight, is_scale=True)
    return [Plant(spec=with_weight(number.planted), expected=loss_of("generator"), number=number)]


def _other_distance(spec: GanSpec) -> list[Plant]:
    loss = spec.training.distance_loss
    if loss is None:
        return []
    changed = replace(loss, by="squares" if loss.by == "absolute" else "absolute")
    return [
        Plant(
            spec=replace_training(spec, distance_loss=changed),
            expected=loss_of("generator"),
            found=_WORDS[changed.by],
            expected_value=_WORDS[loss.by],
        )
    ]


def _pair_turned(spec: GanSpec) -> list[Plant]:
    if not spec.training.shows_pairs:
        return []
    places = {"before": "after", "after": "before"}
    changed = places[spec.training.start_shown]
    first = spec.discriminator.placed[0].name
    return [
        Plant(
            spec=replace_training(spec, start_shown=changed),
            expected=Location(phase=spec.training.first, quantities=("output",), names=(f"discriminator.{first}",)),
            found=changed,
            expected_value=spec.training.start_shown,
        )
    ]


FAULTS: tuple[Fault, ...] = (
    Fault(
        name="distance-weight",
        summary="a tenth of how far G's samples are from the real ones in its loss",
        remedy="The generator's distance from the real samples is weighed by {found}: weigh it by {expected}.",
        plants=_other_weight,
    ),
    Fault(
        name="distance-squared",
        summary="squares in the distance of G's samples from the real ones, in place of absolute values, or so",
        remedy="The distance of the generator's samples from the real ones is the mean of {found}: take {expected}.",
        plants=_other_distance,
    ),
    Fault(
        name="pair-turned",
        summary="what G started from shown to D on the other side of the sample",
        remedy="The discriminator is shown what the generator started from {found} the sample: show it {expected}.",
        plants=_pair_turned,
    ),
)
