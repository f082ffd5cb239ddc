"""The GANs in TensorFlow 2: modules and variables, gradient tapes, and a loop compiled by XLA."""

import os

# Read once, when TensorFlow is first imported, so it is set before any module of this folder can import it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
