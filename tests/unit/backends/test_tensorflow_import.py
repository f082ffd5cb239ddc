"""TensorFlow's import leaves out Keras and JAX, and hides neither from whoever wants them later."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from gan_rosetta.backends import BACKENDS

if importlib.util.find_spec("tensorflow") is None:
    pytest.skip(f"TensorFlow is not installed: {BACKENDS['tensorflow'].install_hint}", allow_module_level=True)

_PROGRAM = """
import sys
import gan_rosetta.backends.tensorflow.device
from gan_rosetta.backends.tensorflow import framework
assert not any(isinstance(finder, framework._Declining) for finder in sys.meta_path)
assert not {"keras", "jax"} & set(sys.modules), "imported on the way"
import tensorflow as tf
from tensorflow.keras import layers
print(tf.keras.layers is layers, layers.Dense(3)(tf.zeros((2, 4))).shape)
"""


def test_import_leaves_keras_and_jax_for_later() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "True (2, 3)"
