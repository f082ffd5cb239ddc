"""Mistakes in the codes beside a GAN's noise, and in how far what D finds of them is from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gan_rosetta.shared.faults.data_faults import outputs_of
from gan_rosetta.shared.faults.fault import Fault, Plant
from gan_rosetta.shared.faults.layer_fields import choice_fault
from gan_rosetta.shared.faults.places import first_phase, layer_at
from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.spec import CodeError, GanSpec, JoinedLatent, UniformLatent
from gan_rosetta.shared.spec.sources import drawn_once


def _from_zero(spec: GanSpec) -> list[Plant]:
    if not isinstance(spec.latent, JoinedLatent):
        return []
    places = {place: part for place, part in spec.latent.places.items() if isinstance(part, UniformLatent) and part.low}
    if not places:
        return []

    def feed(chunk: Chunk) -> Chunk:
        own = {name: array.copy() for name, array in chunk.arrays.items() if name.startswith("latent")}
        for latent in own.values():
            for (start, stop), part in places.items():
                latent[..., start:stop] = _in_unit(latent[..., start:stop], part)
        return replace(chunk, arrays={**chunk.arrays, **own})

    return [Plant(spec=spec, expected=outputs_of(spec, "generator", first_phase(spec, "generator")), chunk=feed)]


def _joint_latent_shared(spec: GanSpec) -> list[Plant]:
    if spec.training.joint_optimizer is None or drawn_once(spec.latent):
        return []

    def share(chunk: Chunk) -> Chunk:
        arrays = dict(chunk.arrays)
        return replace(chunk, arrays=arrays | ({"latent_j": arrays["latent_d"]} if "latent_j" in arrays else {}))

    return [Plant(spec=spec, expected=outputs_of(spec, "generator", "joint"), chunk=share)]


def _in_unit(code: np.ndarray, part: UniformLatent) -> np.ndarray:
    return (code - part.low) / (part.high - part.low)


FAULTS = (
    Fault(
        name="code-from-zero",
        summary="codes drawn evenly from 0 to 1",
        remedy="The codes beside the noise are drawn from 0 to 1: draw them as far as the GAN has them, below 0 too.",
        plants=_from_zero,
    ),
    Fault(
        name="joint-latent-shared",
        summary="the discriminator's noise and codes once more in the update of both",
        remedy="The joint update takes the noise and codes of the discriminator's: give it its own (latent_j).",
        plants=_joint_latent_shared,
    ),
    choice_fault(
        "code-squared",
        "the squared error of a category in place of its cross entropy",
        "{place} takes the {found} of what is found: take the {expected}.",
        CodeError,
        change=lambda layer: replace(layer, form="squared-error"),
        words=lambda layer: layer.form,
        where=lambda spec, place: layer_at(spec, place).form == "cross-entropy",
    ),
)
