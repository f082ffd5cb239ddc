"""The GANs in TensorFlow 2: modules and variables, gradient tapes, and a loop compiled by XLA."""

import os

from gan_rosetta.backends.tensorflow.framework import import_tensorflow

# Read once, when TensorFlow is first imported, so both are done before any module of this folder can import it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import_tensorflow()
