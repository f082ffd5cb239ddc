"""Mistakes in BatchNorm: what it normalises by, what it keeps for prediction, and where it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gan_rosetta.shared.faults.fault import Fault, Location, Plant
from gan_rosetta.shared.faults.layer_fields import choice_fault, number_fault, number_of, words_of
from gan_rosetta.shared.faults.places import Place, find_layers, first_phase, layer_at, layer_name, replace_layer
from gan_rosetta.shared.spec import ONES, BatchNorm, GanSpec


def _buffers_of(spec: GanSpec, place: Place, *buffers: str) -> Location:
    names = tuple(f"{layer_name(spec, place)}.{buffer}" for buffer in buffers)
    quantities: tuple[str, ...] = ("buffer",)
    if layer_at(spec, place).statistics == "running":
        # The buffers that one pass moved are what the step's next pass normalises by.
        names, quantities = (*names, layer_name(spec, place)), ("output", "buffer")
    return Location(phase=first_phase(spec, place[0]), quantities=quantities, names=names)


def _may_run(spec: GanSpec, place: Place) -> bool:
    """Whether a norm may take its running statistics, which no gradient penalty goes through."""
    return spec.penalty is None or place[0] != "discriminator"


def _momenta(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        planted = 1 - layer_at(spec, place).momentum
        number = number_of(spec, place, "momentum", planted=planted, subject="batch-norm-momentum")
        return Plant(
            spec=number.with_value(number.planted),
            expected=_buffers_of(spec, place, "running_mean", "running_var"),
            place=words_of(spec, place),
            number=number,
        )

    return [plant(place) for place in find_layers(spec, BatchNorm)]


def _running_variances(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        norm = layer_at(spec, place)
        other = "biased" if norm.running_variance == "unbiased" else "unbiased"
        return Plant(
            spec=replace_layer(spec, place, replace(norm, running_variance=other)),
            expected=_buffers_of(spec, place, "running_var"),
            place=words_of(spec, place),
            found=other,
            expected_value=norm.running_variance,
        )

    return [plant(place) for place in find_layers(spec, BatchNorm)]


def _norms_at_one(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        name = f"{layer_name(spec, place)}.weight"

        def start(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {**state, name: np.ones_like(state[name])}

        expected = Location(phase="start", quantities=("parameter",), names=(name,))
        return Plant(spec=spec, expected=expected, place=name, start=start)

    return [
        plant(place)
        for place in find_layers(spec, BatchNorm, where=lambda norm: norm.affine and norm.weight_init != ONES)
    ]


FAULTS = (
    number_fault(
        "batch-norm-epsilon",
        "BatchNorm's ε 1e-3, Keras's default",
        "ε of {place} is {found}: set it to {expected}.",
        BatchNorm,
        "epsilon",
        planted=1e-3,
        subject="batch-norm-epsilon",
        is_scale=True,
    ),
    choice_fault(
        "batch-norm-evaluation",
        "BatchNorm normalises with its running statistics in training",
        "In training {place} normalises by {found}: let it normalise by {expected}, with training=True in Keras, "
        "train() in torch, autograd.record() in MXNet.",
        BatchNorm,
        change=lambda norm: replace(norm, statistics="running" if norm.statistics == "batch" else "batch"),
        words=lambda norm: "its running statistics" if norm.statistics == "running" else "the batch's statistics",
        where=_may_run,
    ),
    choice_fault(
        "batch-norm-prediction",
        "BatchNorm left as it is for prediction: normalises with its running statistics and does not move them",
        "{place} is as for prediction: it normalises by its running statistics, and leaves them as they are. Have it "
        "train, with training=True in Keras, train() in torch, autograd.record() in MXNet.",
        BatchNorm,
        change=lambda norm: replace(norm, statistics="running", momentum=0.0),
        words=lambda norm: "its running statistics" if norm.statistics == "running" else "the batch's statistics",
        where=lambda spec, place: layer_at(spec, place).statistics == "batch" and _may_run(spec, place),
    ),
    Fault(
        name="batch-norm-momentum",
        summary="BatchNorm's momentum on the old value in place of the new",
        remedy="The momentum of {place} is {found} on the new value: set it to {expected}. torch puts "
        "its momentum on the new value, Keras and MXNet on the old one, where it is 1 minus that.",
        plants=_momenta,
        together="every BatchNorm",
    ),
    Fault(
        name="batch-norm-biased-variance",
        summary="BatchNorm's running variance biased, as in Keras and MXNet",
        remedy="For evaluation {place} keeps the {found} variance of each batch: keep the {expected} one. torch keeps "
        "the unbiased one, Keras and MXNet the biased one.",
        plants=_running_variances,
        together="every BatchNorm",
    ),
    Fault(
        name="batch-norm-initialisation",
        summary="a BatchNorm's weight left at 1, where every framework starts it",
        remedy="{place} does not hold the initial value that it was given, but 1 throughout, where every framework "
        "starts it: load the initial value.",
        plants=_norms_at_one,
    ),
)
