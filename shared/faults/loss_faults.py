"""Mistakes that any loss may have: summed for averaged, the labels of real and fake samples swapped."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from gan_rosetta.shared.faults.fault import Fault, Plant
from gan_rosetta.shared.faults.places import loss_of, replace_training
from gan_rosetta.shared.spec import GanSpec

_REDUCTIONS = {"mean": "averaged", "sum": "summed"}


def _other_reduction(loss: Any) -> Any:
    return replace(loss, reduction="sum" if loss.reduction == "mean" else "mean")


def _summed(network: str) -> Fault:
    def plants(spec: GanSpec) -> list[Plant]:
        loss = getattr(spec.training, f"{network}_loss")
        if all(field.name != "reduction" for field in fields(loss)):
            return []
        changed = _other_reduction(loss)
        return [
            Plant(
                spec=replace_training(spec, **{f"{network}_loss": changed}),
                expected=loss_of(network),
                found=_REDUCTIONS[changed.reduction],
                expected_value=_REDUCTIONS[loss.reduction],
            )
        ]

    return Fault(
        name=f"{network}-loss-summed",
        summary=f"the {network}'s loss summed over the batch",
        remedy=f"The {network}'s loss is {{found}} over the batch: it should be {{expected}}.",
        plants=plants,
    )


def _pretraining_summed(spec: GanSpec) -> list[Plant]:
    if spec.pretraining is None:
        return []
    loss = spec.pretraining.loss
    changed = _other_reduction(loss)
    return [
        Plant(
            spec=replace(spec, pretraining=replace(spec.pretraining, loss=changed)),
            expected=loss_of("pretraining"),
            found=_REDUCTIONS[changed.reduction],
            expected_value=_REDUCTIONS[loss.reduction],
        )
    ]


def _labels_swapped(network: str) -> Fault:
    def plants(spec: GanSpec) -> list[Plant]:
        loss = getattr(spec.training, f"{network}_loss")
        if not hasattr(loss, "real_label"):
            return []
        changed = replace(loss, real_label=1 - loss.real_label)
        return [
            Plant(
                spec=replace_training(spec, **{f"{network}_loss": changed}),
                expected=loss_of(network),
                found=str(changed.real_label),
                expected_value=str(loss.real_label),
            )
        ]

    return Fault(
        name=f"{network}-labels-swapped",
        summary=f"the labels of the {network}'s loss swapped",
        remedy=f"The {network}'s loss takes {{found}} for the label of real samples: take {{expected}}, and the other "
        "for fake ones.",
        plants=plants,
    )


FAULTS: tuple[Fault, ...] = (
    _summed("discriminator"),
    _summed("generator"),
    Fault(
        name="pretraining-loss-summed",
        summary="the pretraining loss summed",
        remedy="The loss of pretraining is {found} over the batch: it should be {expected}.",
        plants=_pretraining_summed,
    ),
    _labels_swapped("discriminator"),
    _labels_swapped("generator"),
)
