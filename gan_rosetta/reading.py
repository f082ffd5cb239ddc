"""Reads a program's own networks and optimizers into a GAN's description, proved before it is handed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate import reading
from gan_rosetta.wording import speaks_python


class Reading(reading.Reading):
    """A GAN as `spec`; its networks' weights, and what its optimizers have kept, as `state`, the initial one."""


@speaks_python
def read(
    *,
    generator: Any,
    discriminator: Any,
    like: str | Path | GanSpec,
    generator_optimizer: Any = None,
    discriminator_optimizer: Any = None,
    generator_average: Any = None,
    name: str = "read",
    out: str | Path | None = None,
) -> Reading:
    """Read live networks, and their optimizers where given, into a spec; all else is that of the GAN that it is like.

    generator, discriminator: torch modules, Keras models, Gluon blocks or flax.nnx modules; optimizers of theirs, of
    flax an nnx.Optimizer or a transformation of optax. like: a name of the catalogue, a TOML file, or a GanSpec, for
    its data, losses and turns, and its optimizers where none are given. generator_average: a network as the generator
    is, with the moving average of its weights that the GAN has. name: of the GAN. out: a TOML file to write, with the
    state beside it in .safetensors. Both networks run beside the reference, with their own weights, before anything is
    handed over; they stay as they are.

    Raises UsageError for what is neither or does not fit, UnsupportedLayer, with the module's path, for what a
    spec has no word for. docs/translate.md says what is read.
    """
    if out is not None:
        reading.require_new(Path(out))
    found = reading.read(
        generator=generator,
        discriminator=discriminator,
        like=Path(like) if isinstance(like, str) and like.endswith(".toml") else like,
        generator_optimizer=generator_optimizer,
        discriminator_optimizer=discriminator_optimizer,
        generator_average=generator_average,
        name=name,
    )
    if out is not None:
        reading.write_reading(Path(out), found)
    return Reading(spec=found.spec, state=found.state, num_samples=found.num_samples, notes=found.notes)
