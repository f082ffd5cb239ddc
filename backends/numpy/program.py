"""A program from outside in NumPy: what it is fed, and the arrays in containers that its networks are."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan_rosetta.backends.numpy.device import check_device
from gan_rosetta.shared.interface import ProgramTensor
from gan_rosetta.shared.state.trees import is_tree, tree_arrays, tree_tensors


def to_tensor(array: np.ndarray, /, *, device: str) -> np.ndarray:
    """Return the array itself; device "cpu". Raises UsageError."""
    check_device(device)
    return array


def is_network(found: Any, /) -> bool:
    """Whether something is a container of NumPy's arrays, and of nothing else."""
    return is_tree(found) and all(isinstance(array, np.ndarray) for _, array in tree_arrays(found))


def keeps_its_state(network: Any, /) -> bool:
    """Arrays are no function: what becomes of them, and what is computed with them, the program tells."""
    del network
    return False


def layout(network: Any, /) -> None:
    """Names and shapes tell how arrays are laid out."""
    del network


def is_ordered(network: Any, /) -> bool:
    """Containers come in the order in which they were filled, which need not be that of the layers."""
    del network
    return False


def tensors(network: Any, /) -> list[ProgramTensor]:
    """Return the arrays; written to, they stay the same ones."""
    return tree_tensors(network, make=np.array)
