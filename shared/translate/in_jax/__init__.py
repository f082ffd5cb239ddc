"""Programs in JAX, with optax."""

from __future__ import annotations

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.forms import OwnForm
from gan_rosetta.shared.translate.in_jax.layers import LAYERS
from gan_rosetta.shared.translate.in_jax.loop import CHECKPOINT, loop_section
from gan_rosetta.shared.translate.in_jax.losses import losses_section
from gan_rosetta.shared.translate.in_jax.model import RESERVED, model_section
from gan_rosetta.shared.translate.in_jax.optimizers import optimizers_section
from gan_rosetta.shared.translate.in_jax.step import step_section
from gan_rosetta.shared.translate.writing import speaks_of

__all__ = [
    "AVERAGE",
    "BACKEND",
    "CHECKPOINT",
    "LAYERS",
    "OWN_FORMS",
    "RESERVED",
    "TITLE",
    "imports",
    "loop_section",
    "losses_section",
    "model_section",
    "optimizers_section",
    "settings_section",
    "step_section",
]

TITLE = "JAX"
BACKEND = "jax"
AVERAGE = ""  # in the checkpoint
# Of what optax has in another form than a description may: its own, which --native takes.
OWN_FORMS = (
    OwnForm(
        kind=spec.Adam,
        part="optax.adam",
        fields={"epsilon_placement": "outside", "bias_correction": True, "amsgrad": "corrected"},
    ),
    OwnForm(kind=spec.Adagrad, part="optax.adagrad", fields={"epsilon_placement": "inside"}),
)


def imports(gan: GanSpec, /) -> list[str]:
    """Return the imports that are not of the standard library."""
    text = model_section(gan) + losses_section(gan) + step_section(gan)
    return [
        "import jax",
        "import jax.numpy as jnp",
        "import numpy as np",
        "import optax",
        f"from jax import Array{', lax' if speaks_of(text, 'lax') else ''}",
    ]


def settings_section(gan: GanSpec, /) -> str:
    """Return the type that the program computes in, and how a batch becomes arrays."""
    del gan
    return '''\
# Before any array is made: JAX would make float32 of float64 without a word.
jax.config.update("jax_enable_x64", True)
dtype = jnp.dtype(options.dtype)

Tensors = dict[str, Array]


def to_arrays(batch: dict[str, np.ndarray]) -> Tensors:
    """Return a batch as arrays, of the type that the program computes in unless they are whole."""
    return {
        name: jnp.asarray(array, dtype if array.dtype.kind == "f" else None)
        for name, array in batch.items()
    }'''
