"""Programs in TensorFlow, with Keras's layers and optimizers and a step of one's own."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.in_tensorflow.layers import LAYERS
from gan_rosetta.shared.translate.in_tensorflow.losses import losses_section
from gan_rosetta.shared.translate.in_tensorflow.model import RESERVED, model_section
from gan_rosetta.shared.translate.in_tensorflow.optimizers import OWN_OPTIMIZERS, optimizers_section
from gan_rosetta.shared.translate.in_tensorflow.step import CHECKPOINT, loop_section, step_section

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

TITLE = "TensorFlow"
BACKEND = "tensorflow"
AVERAGE = ""  # in the checkpoint
OWN_FORMS = OWN_OPTIMIZERS


def imports(gan: GanSpec, /) -> list[str]:
    """Return the imports that are not of the standard library."""
    del gan
    return ["import keras", "import numpy as np", "import tensorflow as tf"]


def settings_section(gan: GanSpec, /) -> str:
    """Return the type that the program computes in, and how a batch becomes tensors."""
    skips = ["        if array.ndim == 0:  # where the batch stands, which the loop reads", "            continue"]
    skipped = "\n".join([*skips, ""]) if gan.training.counts_epochs else ""
    return f'''\
keras.config.set_floatx(options.dtype)
keras.config.set_dtype_policy(options.dtype)  # layers made before would keep theirs

Batch = dict[str, tf.Tensor]


def to_tensors(batch: dict[str, np.ndarray]) -> Batch:
    """Return a batch as tensors, of the type that the program computes in unless they are whole."""
    tensors = {{}}
    for name, array in batch.items():
{skipped}\
        turned = np.moveaxis(array, 1, -1) if array.ndim == 4 else array  # channels come last
        kind = np.int64 if array.dtype.kind in "iu" else options.dtype
        tensors[name] = tf.constant(turned.astype(kind))
    return tensors'''
