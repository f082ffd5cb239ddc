"""Mistakes in what stands beside an optimizer's step: the decay of weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from gan_rosetta.shared.faults.fault import Fault, Number, Plant
from gan_rosetta.shared.faults.optimizer_faults import OPTIMIZERS, optimizer_plant
from gan_rosetta.shared.faults.places import find_optimizers, replace_optimizer
from gan_rosetta.shared.spec import GanSpec, GradientDescent, WeightDecay

_WORDS = {
    "gradient": "in the gradient",
    "parameter": "of the parameter, by the learning rate",
    "parameter_alone": "of the parameter, whatever the learning rate",
}
_OTHERS = {"gradient": "parameter", "parameter": "gradient", "parameter_alone": "parameter"}


def _added(spec: GanSpec, by: Literal["gradient", "parameter"]) -> list[Plant]:
    """Return a plant for each optimizer without a decay that one of this kind would change in a way of its own."""

    def plant(name: str, optimizer: Any) -> Plant:
        def with_share(share: float) -> GanSpec:
            decay = WeightDecay(share=share, by=by) if share else None
            return replace_optimizer(spec, name, replace(optimizer, weight_decay=decay))

        changed = replace(optimizer, weight_decay=WeightDecay(share=0.01, by=by))
        number = Number(expected=0.0, planted=0.01, with_value=with_share)
        return optimizer_plant(spec, name, changed, number=number)

    return [
        plant(name, optimizer)
        for name, optimizer in find_optimizers(spec, OPTIMIZERS)
        if optimizer.weight_decay is None and (by == "gradient" or not _is_plain(optimizer))
    ]


def _is_plain(optimizer: Any) -> bool:
    """Whether a decay in the gradient and one of the parameter are the same."""
    return isinstance(optimizer, GradientDescent) and optimizer.momentum == 0


def _missing(spec: GanSpec) -> list[Plant]:
    return [
        optimizer_plant(
            spec, name, replace(optimizer, weight_decay=None), expected_value=f"{optimizer.weight_decay.share:g}"
        )
        for name, optimizer in find_optimizers(spec, OPTIMIZERS)
        if optimizer.weight_decay is not None
    ]


def _elsewhere(spec: GanSpec) -> list[Plant]:
    plants = []
    for name, optimizer in find_optimizers(spec, OPTIMIZERS):
        decay = optimizer.weight_decay
        if decay is None or (_is_plain(optimizer) and decay.by != "parameter_alone"):
            continue
        other: Any = _OTHERS[decay.by]
        changed = replace(optimizer, weight_decay=replace(decay, by=other))
        plants.append(optimizer_plant(spec, name, changed, found=_WORDS[other], expected_value=_WORDS[decay.by]))
    return plants


FAULTS = (
    Fault(
        name="weight-decay-missing",
        summary="weights that do not decay",
        remedy="The weights of {place} do not decay: give it the weight decay, {expected}.",
        plants=_missing,
        together="every optimizer",
    ),
    Fault(
        name="weight-decay-elsewhere",
        summary="the weight decay in the gradient, not of the parameter, or the other way round",
        remedy="The weight decay of {place} is {found}: let it be {expected}. torch's Adam has it in the gradient, its "
        "AdamW, Keras and optax.adamw beside the step.",
        plants=_elsewhere,
        together="every optimizer",
    ),
    Fault(
        name="weight-decay-added",
        summary="a weight decay of 1 % in the gradient",
        remedy="The gradients of {place} have a share of {found} of the weights in them: set its weight decay to 0.",
        plants=lambda spec: _added(spec, "gradient"),
        together="every optimizer",
    ),
    Fault(
        name="weight-decay-added-beside",
        summary="weights drawn towards 0 beside the step, by the learning rate times 1 %",
        remedy="Beside the step of {place} the weights lose a share of {found} times the learning rate: set its weight "
        "decay to 0.",
        plants=lambda spec: _added(spec, "parameter"),
        together="every optimizer",
    ),
)
