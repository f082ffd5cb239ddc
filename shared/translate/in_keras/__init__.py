"""Programs in Keras, on TensorFlow: networks of its layers in a row, or by its functional API."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.in_keras.layers import LAYERS
from gan_rosetta.shared.translate.in_keras.losses import losses_section
from gan_rosetta.shared.translate.in_keras.model import RESERVED, model_section
from gan_rosetta.shared.translate.in_keras.step import CHECKPOINT, loop_section, step_section
from gan_rosetta.shared.translate.in_tensorflow import settings_section
from gan_rosetta.shared.translate.in_tensorflow.optimizers import OWN_OPTIMIZERS, optimizers_section

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

TITLE = "Keras"
BACKEND = "tensorflow"
DISTRIBUTION = "keras"  # with a version of its own beside TensorFlow's
AVERAGE = ""  # in the checkpoint
OWN_FORMS = OWN_OPTIMIZERS


def imports(gan: GanSpec, /) -> list[str]:
    """Return the imports that are not of the standard library."""
    del gan
    return ["import keras", "import numpy as np", "import tensorflow as tf", "from keras import ops"]
