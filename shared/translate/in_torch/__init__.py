"""Programs in PyTorch."""

from __future__ import annotations

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.forms import OwnForm
from gan_rosetta.shared.translate.in_torch.averages import AVERAGE
from gan_rosetta.shared.translate.in_torch.layers import LAYERS
from gan_rosetta.shared.translate.in_torch.losses import losses_section
from gan_rosetta.shared.translate.in_torch.model import RESERVED, model_section
from gan_rosetta.shared.translate.in_torch.optimizers import optimizers_section
from gan_rosetta.shared.translate.in_torch.step import CHECKPOINT, loop_section, step_section
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

TITLE = "PyTorch"
BACKEND = "torch"
# Of what torch has in another form than a description may: its own, which --native takes.
OWN_FORMS = (
    OwnForm(
        kind=spec.Adam,
        part="torch.optim.Adam",
        fields={"epsilon_placement": "outside", "bias_correction": True, "amsgrad": "as_kept"},
    ),
    OwnForm(
        kind=spec.RMSprop,
        part="torch.optim.RMSprop",
        fields={"epsilon_placement": "outside", "momentum_of": "direction"},
    ),
    OwnForm(kind=spec.GradientDescent, part="torch.optim.SGD", fields={"momentum_of": "direction"}),
    OwnForm(kind=spec.Adagrad, part="torch.optim.Adagrad", fields={"epsilon_placement": "outside"}),
    OwnForm(kind=spec.BatchNorm, part="nn.BatchNorm", fields={"running_variance": "unbiased", "statistics": "batch"}),
)


def imports(gan: GanSpec, /) -> list[str]:
    """Return the imports that are not of the standard library."""
    text = model_section(gan) + losses_section(gan) + loop_section(gan)
    names = ["functional"] if speaks_of(text, "functional") else []
    return [
        "import numpy as np",
        "import torch",
        "from torch import Tensor, nn",
        *(f"from torch.nn import {name}" for name in names),
    ]


def settings_section(gan: GanSpec, /) -> str:
    """Return the type that the program computes in, its seed, and how a batch becomes tensors."""
    del gan
    return '''\
dtype = getattr(torch, options.dtype)
torch.set_default_dtype(dtype)
torch.manual_seed(options.seed)

Batch = dict[str, Tensor]


def to_tensors(batch: dict[str, np.ndarray]) -> Batch:
    """Return a batch as tensors, of the type that the program computes in unless they are whole."""
    return {
        name: torch.tensor(array, dtype=dtype if array.dtype.kind == "f" else torch.long)
        for name, array in batch.items()
    }'''
