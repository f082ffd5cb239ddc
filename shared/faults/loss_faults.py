"""Mistakes in losses and the gradient penalty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.fault import Fault, Location, Plant
from gan_rosetta.shared.faults.places import replace_training
from gan_rosetta.shared.spec import GanSpec, WassersteinDiscriminatorLoss


def _summed(network: str) -> Fault:
    def plant(spec: GanSpec) -> Plant | None:
        loss = getattr(spec.training, f"{network}_loss")
        changed = replace(loss, reduction="sum" if loss.reduction == "mean" else "mean")
        expected = Location(phase=network, quantities=("loss",), names=("loss",))
        return Plant(spec=replace_training(spec, **{f"{network}_loss": changed}), expected=expected)

    return Fault(name=f"{network}-loss-summed", summary=f"the {network}'s loss summed over the batch", plant=plant)


def _pretraining_summed(spec: GanSpec) -> Plant | None:
    if spec.pretraining is None:
        return None
    changed = replace(spec.pretraining.loss, reduction="sum" if spec.pretraining.loss.reduction == "mean" else "mean")
    expected = Location(phase="pretraining", quantities=("loss",), names=("loss",))
    return Plant(spec=replace(spec, pretraining=replace(spec.pretraining, loss=changed)), expected=expected)


def _labels_swapped(network: str) -> Fault:
    def plant(spec: GanSpec) -> Plant | None:
        loss = getattr(spec.training, f"{network}_loss")
        changed = replace(loss, real_label=1 - loss.real_label)
        expected = Location(phase=network, quantities=("loss",), names=("loss",))
        return Plant(spec=replace_training(spec, **{f"{network}_loss": changed}), expected=expected)

    return Fault(name=f"{network}-labels-swapped", summary=f"the labels of the {network}'s loss swapped", plant=plant)


def _penalty_changed(spec: GanSpec, **changes: Any) -> Plant | None:
    loss = spec.training.discriminator_loss
    if not isinstance(loss, WassersteinDiscriminatorLoss) or loss.penalty is None:
        return None
    changed = replace(loss, penalty=replace(loss.penalty, **changes))
    expected = Location(phase="discriminator", quantities=("loss",), names=("penalty",))
    return Plant(spec=replace_training(spec, discriminator_loss=changed), expected=expected)


def _penalty_axis(spec: GanSpec) -> Plant | None:
    loss = spec.training.discriminator_loss
    if not isinstance(loss, WassersteinDiscriminatorLoss) or loss.penalty is None or len(spec.real.sample_shape) == 1:
        # With one axis a sample, both norms are the same.
        return None
    return _penalty_changed(spec, norm="sample" if loss.penalty.norm == "channel" else "channel")


def _penalty_weight(spec: GanSpec) -> Plant | None:
    loss = spec.training.discriminator_loss
    if not isinstance(loss, WassersteinDiscriminatorLoss) or loss.penalty is None:
        return None
    return _penalty_changed(spec, weight=loss.penalty.weight / 10)


def _log_clamp(spec: GanSpec) -> Plant | None:
    """Change the floor of the logarithm; it matters only where D is sure of itself, as on the saturated visit."""
    loss: Any = spec.training.discriminator_loss
    if hasattr(loss, "probability_floor"):
        changed = replace(loss, probability_floor=1e-12 if loss.probability_floor is None else None)
    elif hasattr(loss, "log_floor"):
        changed = replace(loss, log_floor=loss.log_floor / 10)
    else:
        return None
    expected = Location(phase="discriminator", quantities=("loss",), names=("loss",))
    return Plant(spec=replace_training(spec, discriminator_loss=changed), expected=expected)


FAULTS = (
    _summed("discriminator"),
    _summed("generator"),
    Fault(name="pretraining-loss-summed", summary="the pretraining loss summed", plant=_pretraining_summed),
    _labels_swapped("discriminator"),
    _labels_swapped("generator"),
    Fault(name="penalty-norm-axis", summary="the gradient penalty's norm over other axes", plant=_penalty_axis),
    Fault(name="penalty-weight", summary="a tenth of the gradient penalty", plant=_penalty_weight),
    Fault(name="log-clamp", summary="the logarithm's floor there or not, or elsewhere", plant=_log_clamp),
)
