"""Mistakes in layers, their kernels and their initial values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from gan_rosetta.shared.data import streams
from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.faults.fault import Fault, Location, Plant
from gan_rosetta.shared.faults.layer_fields import choice_fault, kernel_fault, number_fault
from gan_rosetta.shared.faults.places import (
    Place,
    find_layers,
    layer_at,
    layer_name,
    output_of,
    replace_layer,
)
from gan_rosetta.shared.spec import (
    ELU,
    GELU,
    SELU,
    ZEROS,
    Activation,
    Conv2d,
    ConvTranspose2d,
    GanSpec,
    LeakyReLU,
    Linear,
    MinibatchDiscrimination,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)

_GLOROT_SEED = 4321
_ACTIVATIONS = get_args(Activation)
# What people write for each: its smooth or cheap neighbour.
_MISTAKEN: dict[type, Activation] = {
    Tanh: Sigmoid(),
    Sigmoid: Tanh(),
    Softplus: ReLU(),
    ReLU: LeakyReLU(slope=0.01),
    LeakyReLU: ReLU(),
    ELU: SELU(),
    SELU: ELU(alpha=1.0),
    GELU: SiLU(),
    SiLU: ReLU(),
}
_NOTHING = LeakyReLU(slope=1.0)


def _flipped(kernel: np.ndarray) -> np.ndarray:
    return kernel[:, :, ::-1, ::-1].copy()


def _swapped(kernel: np.ndarray) -> np.ndarray:
    """Read the numbers of a kernel (a, b, ...) as if they were stored (b, a, ...)."""
    return kernel.swapaxes(0, 1).reshape(kernel.shape)


def _unswapped(kernel: np.ndarray) -> np.ndarray:
    swapped_shape = (kernel.shape[1], kernel.shape[0], *kernel.shape[2:])
    return kernel.reshape(swapped_shape).swapaxes(0, 1).copy()


def _is_wide(layer: Any) -> bool:
    """Whether a kernel has two spatial places at least, so that turning or moving it changes something."""
    return max(layer.kernel) > 1


def _has_many_channels(layer: Any) -> bool:
    return bool(min(layer.in_channels, layer.out_channels) > 1)


def _has_many_features(layer: Linear) -> bool:
    return min(layer.in_features, layer.out_features) > 1


def _glorot(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        name = f"{layer_name(spec, place)}.weight"

        def start(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {**state, name: _drawn_glorot(state[name].shape)}

        expected = Location(phase="start", quantities=("parameter",), names=(name,))
        return Plant(spec=spec, expected=expected, place=name, start=start)

    return [plant(place) for place in find_layers(spec, (Linear, Conv2d, ConvTranspose2d))]


def _drawn_glorot(shape: tuple[int, ...]) -> np.ndarray:
    area = math.prod(shape[2:])
    bound = math.sqrt(6 / ((shape[0] + shape[1]) * area))
    size = math.prod(shape)
    drawn = streams.uniform(_GLOROT_SEED, "glorot", first_step=0, num_steps=1, size=size).reshape(shape)
    return (2 * drawn - 1) * bound


def _slopes_of_zero(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        name = f"{layer_name(spec, place)}.weight"

        def start(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {**state, name: np.zeros_like(state[name])}

        expected = Location(phase="start", quantities=("parameter",), names=(name,))
        return Plant(spec=spec, expected=expected, place=name, start=start)

    return [plant(place) for place in find_layers(spec, PReLU, where=lambda layer: layer.weight_init != ZEROS)]


def _other_activation(spec: GanSpec, other: Callable[[Any], Activation]) -> list[Plant]:
    """Return a plant for each activation that another may stand for, reported under the GAN's own names."""
    plants = []
    for place in find_layers(spec, _ACTIVATIONS):
        layer = layer_at(spec, place)
        try:
            changed = replace_layer(spec, place, other(layer))
        except SpecError:
            # A loss on a probability needs the sigmoid before it.
            continue
        if changed != spec:
            plants.append(
                Plant(
                    spec=changed,
                    expected=output_of(spec, place),
                    place=layer_name(spec, place),
                    seen_as=spec,
                    found=type(other(layer)).__name__,
                    expected_value=type(layer).__name__,
                )
            )
    return plants


FAULTS = (
    number_fault(
        "leaky-relu-slope",
        "LeakyReLU's slope 0.01, torch's default",
        "The slope of {place} is {found}: set it to {expected}.",
        LeakyReLU,
        "slope",
        planted=0.01,
        subject="leaky-relu-slope",
    ),
    Fault(
        name="prelu-initialisation",
        summary="PReLU's slopes that start at 0, Keras's default",
        remedy="{place} does not hold the initial slopes that it was given, but 0: load those that were given; torch "
        "and Gluon begin with 0.25, Keras with 0.",
        plants=_slopes_of_zero,
    ),
    number_fault(
        "elu-alpha",
        "ELU's alpha 1, every framework's default",
        "alpha of {place} is {found}: set it to {expected}.",
        ELU,
        "alpha",
        planted=1.0,
        subject="elu-alpha",
    ),
    choice_fault(
        "gelu-form",
        "GELU by tanh in place of erf, JAX's default, or by erf in place of tanh",
        "{place} is computed by {found}: compute it by {expected}; torch and Keras take erf unless told otherwise, "
        "JAX tanh.",
        GELU,
        change=lambda layer: replace(layer, form="tanh" if layer.form == "erf" else "erf"),
        words=lambda layer: str(layer.form),
    ),
    Fault(
        name="activation-missing",
        summary="an activation left out",
        remedy="No activation is applied at {place}: apply {expected}.",
        plants=lambda spec: _other_activation(spec, lambda _layer: _NOTHING),
    ),
    Fault(
        name="activation-mistaken",
        summary="an activation's neighbour: sigmoid for tanh, ReLU for LeakyReLU",
        remedy="The activation at {place} is {found}: it should be {expected}.",
        plants=lambda spec: _other_activation(spec, lambda layer: _MISTAKEN[type(layer)]),
    ),
    choice_fault(
        "minibatch-self-distance",
        "minibatch discrimination's identity term there or not",
        "{place} takes a sample's distance from itself as {found}: take it as {expected}.",
        MinibatchDiscrimination,
        change=lambda layer: replace(layer, self_distance=not layer.self_distance),
        words=lambda layer: "1" if layer.self_distance else "0",
    ),
    kernel_fault(
        "linear-transposed",
        "a Linear's (out, in) weight read as (in, out)",
        "The weight of {place} is read as (in, out): its layout is (out, in), so transpose it where Keras or JAX holds "
        "(in, out).",
        Linear,
        (_swapped, _unswapped),
        where=_has_many_features,
    ),
    kernel_fault(
        "conv-kernel-flipped",
        "true convolution in place of cross-correlation",
        "The kernel of {place} is turned by 180°: a framework's convolution is a cross-correlation, so do not turn it.",
        Conv2d,
        (_flipped, _flipped),
        where=_is_wide,
    ),
    kernel_fault(
        "conv-padding-off-by-one",
        "the input padded on one side more, so that the kernel reads one pixel beside",
        'The kernel of {place} reads one pixel beside: pad both sides alike; "same" at stride 2 does not.',
        Conv2d,
        (lambda kernel: np.roll(kernel, 1, axis=3), lambda kernel: np.roll(kernel, -1, axis=3)),
        where=lambda layer: bool(layer.kernel[1] > 1),
    ),
    kernel_fault(
        "conv-transpose-kernel-flipped",
        "a transposed convolution that does not flip its kernel",
        "The kernel of {place} is turned by 180°: turn it back; written by hand, it needs the turn that a framework's "
        "own makes by itself.",
        ConvTranspose2d,
        (_flipped, _flipped),
        where=_is_wide,
    ),
    kernel_fault(
        "conv-transpose-channels-swapped",
        "a transposed convolution's (in, out) kernel read as (out, in)",
        "The kernel of {place} is read as (out, in, ...): its layout is (in, out, ...), so swap its first two axes.",
        ConvTranspose2d,
        (_swapped, _unswapped),
        where=_has_many_channels,
    ),
    Fault(
        name="glorot-initialisation",
        summary="a weight drawn Glorot-uniform, Keras's default",
        remedy="{place} does not hold the initial value that it was given, but numbers drawn Glorot-uniform, as Keras "
        "does unless told otherwise: load the initial value.",
        plants=_glorot,
        default="tensorflow:initial-values",
    ),
)
