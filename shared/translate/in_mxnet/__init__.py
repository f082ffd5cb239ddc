"""Programs in MXNet, with Gluon."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.in_mxnet.layers import LAYERS
from gan_rosetta.shared.translate.in_mxnet.losses import losses_section
from gan_rosetta.shared.translate.in_mxnet.model import RESERVED, model_section
from gan_rosetta.shared.translate.in_mxnet.optimizers import OWN_FORMS, optimizers_section
from gan_rosetta.shared.translate.in_mxnet.step import CHECKPOINT, loop_section, step_section

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

TITLE = "MXNet"
BACKEND = "mxnet"
AVERAGE = ""  # in the checkpoint


def imports(gan: GanSpec, /) -> list[str]:
    """Return the imports that are not of the standard library."""
    uses_layers = "nn." in model_section(gan)
    return [
        "import numpy as np",
        "",
        "np.bool = bool  # MXNet 1.9.1 asks for this name, which NumPy dropped in 1.24",
        "import mxnet as mx  # noqa: E402",
        "from mxnet import autograd, gluon  # noqa: E402",
        *(["from mxnet.gluon import nn  # noqa: E402"] if uses_layers else []),
        "from mxnet.ndarray import NDArray  # noqa: E402",
    ]


def settings_section(gan: GanSpec, /) -> str:
    """Return how a batch becomes arrays of the type that the program computes in."""
    chosen = "{name: array for name, array in batch.items() if array.ndim}"
    chosen = f"    batch = {chosen}\n" if gan.training.counts_epochs else ""
    return f'''\
Batch = dict[str, NDArray]


def to_arrays(batch: dict[str, np.ndarray]) -> Batch:
    """Return a batch as arrays, of the type that the program computes in; MXNet's is float32."""
{chosen}\
    return {{name: mx.nd.array(array, dtype=options.dtype) for name, array in batch.items()}}'''
