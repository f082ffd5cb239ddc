"""A program from outside in PyTorch: what it is fed."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gan_rosetta.backends.torch.device import check_device


def to_tensor(array: np.ndarray, /, *, device: str) -> Tensor:
    """Return a copy of an array as a tensor of its type on "cpu" or "cuda"; raises UsageError."""
    check_device(device)
    return torch.tensor(array, device=device)
