"""Mistakes in the moving average of G."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gan_rosetta.shared.faults.fault import Fault, Location, Number, Plant, another
from gan_rosetta.shared.faults.places import replace_training
from gan_rosetta.shared.spec import GanSpec, MovingAverage

_AVERAGE = Location(phase="generator", quantities=("average",))
_LONG_DECAY = 0.999
_BUFFERS = {"averaged": "averages G's buffers as it does its weights", "copied": "copies G's buffers as they are"}
_WARM_UPS = {
    "none": "has its decay from the first on",
    "counted": "holds its decay to (1 + n) / (10 + n) after n updates",
}


def _plant(spec: GanSpec, changed: MovingAverage, /, *, found: str = "", expected: str = "") -> Plant:
    planted = replace_training(spec, generator_average=changed)
    return Plant(spec=planted, expected=_AVERAGE, found=found, expected_value=expected)


def _of_average(plant: Callable[[GanSpec, MovingAverage], Plant | None]) -> Callable[[GanSpec], list[Plant]]:
    def plants(spec: GanSpec) -> list[Plant]:
        average = spec.training.generator_average
        found = None if average is None else plant(spec, average)
        return [] if found is None else [found]

    return plants


def _other_decay(spec: GanSpec, average: MovingAverage) -> Plant:
    def with_value(decay: float) -> GanSpec:
        return replace_training(spec, generator_average=replace(average, decay=decay))

    planted = another(_LONG_DECAY, expected=average.decay)
    number = Number(expected=average.decay, planted=planted, with_value=with_value)
    return Plant(spec=with_value(planted), expected=_AVERAGE, number=number)


def _begun_early(spec: GanSpec, average: MovingAverage) -> Plant | None:
    if average.start == 0:
        return None
    return _plant(spec, replace(average, start=0), found="0", expected=str(average.start))


def _other_buffers(spec: GanSpec, average: MovingAverage) -> Plant | None:
    if not spec.generator.has_buffers:
        return None
    other = replace(average, buffers="copied" if average.buffers == "averaged" else "averaged")
    return _plant(spec, other, found=_BUFFERS[other.buffers], expected=_BUFFERS[average.buffers])


def _other_warm_up(spec: GanSpec, average: MovingAverage) -> Plant:
    other = replace(average, warm_up="none" if average.warm_up == "counted" else "counted")
    return _plant(spec, other, found=_WARM_UPS[other.warm_up], expected=_WARM_UPS[average.warm_up])


FAULTS = (
    Fault(
        name="average-decay",
        summary="the moving average of G with another decay, 0.999",
        remedy="The decay of G's moving average is {found}: set it to {expected}.",
        plants=_of_average(_other_decay),
    ),
    Fault(
        name="average-begun-early",
        summary="the moving average of G begun from its initial weights, where its first updates copy",
        remedy="G's moving average begins after {found} of G's updates: copy G's weights until {expected} of them are "
        "done. torch's AveragedModel and Keras copy after the first one, StudioGAN after thousands.",
        plants=_of_average(_begun_early),
    ),
    Fault(
        name="average-buffers",
        summary="the buffers of G's moving average copied where they are averaged, or the other way round",
        remedy="G's moving average {found}; expected one that {expected}. BigGAN-PyTorch averages them, torch's "
        "AveragedModel copies them unless told otherwise.",
        plants=_of_average(_other_buffers),
    ),
    Fault(
        name="average-warm-up",
        summary="the decay of G's moving average held down in the first updates, or not",
        remedy="G's moving average {found}; expected one that {expected}. tf.train.ExponentialMovingAverage holds it "
        "down where it is told num_updates.",
        plants=_of_average(_other_warm_up),
    ),
)
