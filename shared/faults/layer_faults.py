"""Mistakes in layers, their kernels and their initial values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gan_rosetta.shared.data import streams
from gan_rosetta.shared.faults.fault import Fault, Location, Plant, TensorMap
from gan_rosetta.shared.faults.places import find_layer, first_phase, layer_name, output_of, replace_layer
from gan_rosetta.shared.spec import (
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    GanSpec,
    LeakyReLU,
    Linear,
    MinibatchDiscrimination,
)

_GLOROT_SEED = 4321


def _layer_fault(name: str, summary: str, kind: type, change: Callable[[Any], Any]) -> Fault:
    def plant(spec: GanSpec) -> Plant | None:
        place = find_layer(spec, kind)
        if place is None:
            return None
        layer = getattr(spec, place[0]).layers[place[1]]
        return Plant(spec=replace_layer(spec, place, change(layer)), expected=output_of(spec, place))

    return Fault(name=name, summary=summary, plant=plant)


def _buffer_fault(name: str, summary: str, buffers: tuple[str, ...], change: Callable[[BatchNorm], BatchNorm]) -> Fault:
    def plant(spec: GanSpec) -> Plant | None:
        place = find_layer(spec, BatchNorm)
        if place is None:
            return None
        layer = getattr(spec, place[0]).layers[place[1]]
        names = tuple(f"{layer_name(spec, place)}.{buffer}" for buffer in buffers)
        quantities: tuple[str, ...] = ("buffer",)
        if layer.statistics == "running":
            # The buffers that one pass moved are what the step's next pass normalises by.
            names, quantities = (*names, layer_name(spec, place)), ("output", "buffer")
        expected = Location(phase=first_phase(spec, place[0]), quantities=quantities, names=names)
        return Plant(spec=replace_layer(spec, place, change(layer)), expected=expected)

    return Fault(name=name, summary=summary, plant=plant)


def _kernel_fault(
    name: str, summary: str, kind: type, load: TensorMap, unload: TensorMap, *, where: Callable[[Any], bool]
) -> Fault:
    def plant(spec: GanSpec) -> Plant | None:
        place = find_layer(spec, kind, where=where)
        if place is None:
            return None
        tensor = f"{layer_name(spec, place)}.weight"
        return Plant(spec=spec, expected=output_of(spec, place), tensor=tensor, load=load, unload=unload)

    return Fault(name=name, summary=summary, plant=plant)


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
    return bool(layer.kernel_size > 1)


def _has_many_channels(layer: Any) -> bool:
    return bool(min(layer.in_channels, layer.out_channels) > 1)


def _has_many_features(layer: Linear) -> bool:
    return min(layer.in_features, layer.out_features) > 1


def _glorot(spec: GanSpec) -> Plant | None:
    place = find_layer(spec, (Linear, Conv2d, ConvTranspose2d))
    if place is None:
        return None
    name = f"{layer_name(spec, place)}.weight"

    def start(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        shape = state[name].shape
        area = math.prod(shape[2:])
        bound = math.sqrt(6 / ((shape[0] + shape[1]) * area))
        size = math.prod(shape)
        drawn = streams.uniform(_GLOROT_SEED, "glorot", first_step=0, num_steps=1, size=size).reshape(shape)
        return {**state, name: (2 * drawn - 1) * bound}

    expected = Location(phase="start", quantities=("parameter",), names=(name,))
    return Plant(spec=spec, expected=expected, start=start)


FAULTS = (
    _layer_fault(
        "leaky-relu-slope",
        "LeakyReLU's slope 0.01, torch's default",
        LeakyReLU,
        lambda layer: replace(layer, slope=0.01),
    ),
    _layer_fault(
        "batch-norm-epsilon", "BatchNorm's ε 1e-3, Keras's default", BatchNorm, lambda norm: replace(norm, epsilon=1e-3)
    ),
    _layer_fault(
        "batch-norm-evaluation",
        "BatchNorm normalises with its running statistics in training",
        BatchNorm,
        lambda norm: replace(norm, statistics="running"),
    ),
    _buffer_fault(
        "batch-norm-momentum",
        "BatchNorm's momentum on the old value in place of the new",
        ("running_mean", "running_var"),
        lambda norm: replace(norm, momentum=1 - norm.momentum),
    ),
    _buffer_fault(
        "batch-norm-biased-variance",
        "BatchNorm's running variance biased, as in Keras and MXNet",
        ("running_var",),
        lambda norm: replace(norm, running_variance="biased" if norm.running_variance == "unbiased" else "unbiased"),
    ),
    _layer_fault(
        "minibatch-self-distance",
        "minibatch discrimination's identity term there or not",
        MinibatchDiscrimination,
        lambda layer: replace(layer, self_distance=not layer.self_distance),
    ),
    _kernel_fault(
        "linear-transposed",
        "a Linear's (out, in) weight read as (in, out)",
        Linear,
        _swapped,
        _unswapped,
        where=_has_many_features,
    ),
    _kernel_fault(
        "conv-kernel-flipped",
        "true convolution in place of cross-correlation",
        Conv2d,
        _flipped,
        _flipped,
        where=_is_wide,
    ),
    _kernel_fault(
        "conv-padding-off-by-one",
        "the input padded on one side more, so that the kernel reads one pixel beside",
        Conv2d,
        lambda kernel: np.roll(kernel, 1, axis=3),
        lambda kernel: np.roll(kernel, -1, axis=3),
        where=_is_wide,
    ),
    _kernel_fault(
        "conv-transpose-kernel-flipped",
        "a transposed convolution that does not flip its kernel",
        ConvTranspose2d,
        _flipped,
        _flipped,
        where=_is_wide,
    ),
    _kernel_fault(
        "conv-transpose-channels-swapped",
        "a transposed convolution's (in, out) kernel read as (out, in)",
        ConvTranspose2d,
        _swapped,
        _unswapped,
        where=_has_many_channels,
    ),
    Fault(name="glorot-initialisation", summary="a weight drawn Glorot-uniform, Keras's default", plant=_glorot),
)
