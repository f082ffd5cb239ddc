"""Mistakes in what a step is fed: the range of data and noise, an image's axes, the coefficients of a penalty."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gan_rosetta.shared.data.holes import start_of
from gan_rosetta.shared.faults.fault import Fault, Location, Plant, TensorMap
from gan_rosetta.shared.faults.places import first_phase, loss_of
from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.spec import DigitsReal, GanSpec, HoledLatent


def _fed(changes: dict[str, TensorMap]) -> Callable[[Chunk], Chunk]:
    def change(chunk: Chunk) -> Chunk:
        changed = {name: changes[name](array) for name, array in chunk.arrays.items() if name in changes}
        return replace(chunk, arrays={**chunk.arrays, **changed})

    return change


def outputs_of(spec: GanSpec, network: str, phase: str, /) -> Location:
    """Return the location of a network's outputs: a layer that forgets what is wrong leaves it to the next to show."""
    names = tuple(f"{network}.{placed.name}" for placed in getattr(spec, network).placed)
    return Location(phase=phase, quantities=("output",), names=names)


def _where_real_is_taken(spec: GanSpec) -> Location:
    """Return where wrong real samples show: at D's outputs, unless G's are held against them before."""
    if spec.training.distance_loss is not None and spec.training.first == "generator":
        return loss_of("generator")
    return outputs_of(spec, "discriminator", "discriminator")


def _real_range(spec: GanSpec) -> list[Plant]:
    if not isinstance(spec.real, DigitsReal):
        return []
    low, high = spec.real.low, spec.real.high
    other_low, other_high = (0.0, 1.0) if low < 0 else (-1.0, 1.0)

    def scaled(real: np.ndarray) -> np.ndarray:
        return other_low + (real - low) * (other_high - other_low) / (high - low)

    return [
        Plant(
            spec=spec,
            expected=_where_real_is_taken(spec),
            chunk=_fed({"real": scaled}),
            found=f"{other_low:g} to {other_high:g}",
            expected_value=f"{low:g} to {high:g}",
        )
    ]


def _image_transposed(spec: GanSpec) -> list[Plant]:
    shape = spec.real.sample_shape
    if len(shape) != 3 or shape[1] != shape[2]:
        return []
    changed = _fed({"real": lambda real: real.swapaxes(-1, -2).copy()})
    return [Plant(spec=spec, expected=_where_real_is_taken(spec), chunk=changed)]


def _latent_scaled(spec: GanSpec) -> list[Plant]:
    changed = _fed(dict.fromkeys(("latent_d", "latent_g"), lambda latent: latent / 2))
    return [Plant(spec=spec, expected=outputs_of(spec, "generator", first_phase(spec, "generator")), chunk=changed)]


def _smaller_of_holed(spec: GanSpec) -> list[Plant]:
    latent = spec.latent
    if not isinstance(latent, HoledLatent) or latent.reduced_by is None:
        return []
    shape = (latent.num_channels, latent.size, latent.size)

    def change(start: np.ndarray) -> np.ndarray:
        holed = start[..., : math.prod(shape)].reshape(*start.shape[:-1], *shape)
        return start_of(latent, holed, holed)

    expected = outputs_of(spec, "generator", first_phase(spec, "generator"))
    return [Plant(spec=spec, expected=expected, chunk=_fed({"latent_d": change}))]


def _mix_changed(change: TensorMap) -> Callable[[GanSpec], list[Plant]]:
    def plants(spec: GanSpec) -> list[Plant]:
        if spec.penalty is None or spec.penalty.at != "mixed":
            return []
        expected = outputs_of(spec, "discriminator", "discriminator")
        return [Plant(spec=spec, expected=expected, chunk=_fed({"mix": change}))]

    return plants


FAULTS = (
    Fault(
        name="real-range",
        summary="real images scaled to another range",
        remedy="Real images are scaled to {found}: scale them to {expected}.",
        plants=_real_range,
    ),
    Fault(
        name="image-transposed",
        summary="rows and columns of real images exchanged",
        remedy="Rows and columns of real images are exchanged: keep them (channels, height, width).",
        plants=_image_transposed,
    ),
    Fault(
        name="latent-halved",
        summary="noise of half the size",
        remedy="The noise that the generator is fed is half of what it was given: feed it as it is.",
        plants=_latent_scaled,
    ),
    Fault(
        name="smaller-of-holed",
        summary="a hole in the smaller image too, that G sees beside the one with a hole",
        remedy="The smaller image that the generator sees has the hole too: make it of the whole image.",
        plants=_smaller_of_holed,
    ),
    Fault(
        name="penalty-mix-shared",
        summary="one mixing coefficient for a whole batch in the gradient penalty",
        remedy="One mixing coefficient of the gradient penalty serves the whole batch: take one for each sample.",
        plants=_mix_changed(lambda mix: np.broadcast_to(mix[:, :1], mix.shape).copy()),
    ),
    Fault(
        name="penalty-mix-swapped",
        summary="real and fake exchanged in the gradient penalty's mixture",
        remedy="The gradient penalty mixes r · fake + (1 - r) · real: mix r · real + (1 - r) · fake.",
        plants=_mix_changed(lambda mix: 1.0 - mix),
    ),
)
