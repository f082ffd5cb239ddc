"""Programs in flax: modules of flax.nnx, trained as those in JAX are, with optax."""

from __future__ import annotations

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.feeding import mask_draws
from gan_rosetta.shared.translate import in_jax
from gan_rosetta.shared.translate.forms import OwnForm
from gan_rosetta.shared.translate.in_flax.layers import LAYERS
from gan_rosetta.shared.translate.in_flax.loop import CHECKPOINT, loop_section
from gan_rosetta.shared.translate.in_flax.losses import losses_section
from gan_rosetta.shared.translate.in_flax.model import RESERVED, model_section
from gan_rosetta.shared.translate.in_jax.optimizers import optimizers_section
from gan_rosetta.shared.translate.in_jax.step import step_section
from gan_rosetta.shared.translate.writing import speaks_of

__all__ = [
    "AVERAGE",
    "BACKEND",
    "CHECKPOINT",
    "DISTRIBUTION",
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

TITLE = "Flax"
BACKEND = "jax"
DISTRIBUTION = "flax"  # with a version of its own beside JAX's
AVERAGE = ""  # in the checkpoint
_IMAGE_RANK = 3
# Of what optax and nnx have in another form than a description may: their own, which --native takes.
OWN_FORMS = (
    *in_jax.OWN_FORMS,
    OwnForm(kind=spec.BatchNorm, part="nnx.BatchNorm", fields={"running_variance": "biased", "statistics": "batch"}),
)


def imports(gan: GanSpec, /) -> list[str]:
    """Return the imports that are not of the standard library."""
    text = model_section(gan) + losses_section(gan) + step_section(gan)
    return [
        "import jax",
        "import jax.numpy as jnp",
        "import numpy as np",
        "import optax",
        "from flax import nnx",
        f"from jax import Array{', lax' if speaks_of(text, 'lax') else ''}",
    ]


def settings_section(gan: GanSpec, /) -> str:
    """Return the type that the program computes in, and how a batch becomes arrays."""
    section = in_jax.settings_section(gan)
    fed = [gan.generator.input_shape, gan.generator.output_shape]
    fed += [mask.shape for pretraining in (True, False) for mask in mask_draws(gan, pretraining=pretraining)]
    if not any(len(shape) == _IMAGE_RANK for shape in fed):
        return section
    head, made = "def to_arrays(", "name: jnp.asarray(array, dtype if"
    if head not in section or made not in section:
        raise AssertionError("the dialect of JAX makes arrays in other words")
    section = section.replace(made, made.replace("(array,", "(channels_last(array),"))
    return section.replace(head, f"{_CHANNELS_LAST}\n\n\n{head}")


_CHANNELS_LAST = '''\
def channels_last(array: np.ndarray) -> np.ndarray:
    """Return images (batch, channels, height, width) as flax has them; what else there is stays."""
    return np.moveaxis(array, 1, -1) if array.ndim == 4 else array'''
