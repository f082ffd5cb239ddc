"""Numbers and arrays out of whatever a program computes with: Python, NumPy, or a tensor of any framework."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gan_rosetta.shared.errors import UsageError


def as_number(value: Any, /, *, what: str) -> tuple[float, str]:
    """Return a loss as a float, and its type's name, "" for a Python number; raises UsageError for what is none."""
    if isinstance(value, float | int) and not isinstance(value, bool | np.generic):
        return float(value), ""
    array = as_array(value, what=what)
    if array.size != 1:
        raise UsageError(
            f"{what} is an array of shape {array.shape}; expected one number, the loss that the program differentiates"
        )
    return float(array.reshape(())), str(array.dtype)


def as_array(value: Any, /, *, what: str) -> np.ndarray:
    """Return a copy of a tensor of any framework on the host; raises UsageError for what holds no floating numbers."""
    found = type(value).__name__
    try:
        array = _on_host(value)
    except Exception as error:  # each framework has its own for a tensor that has no numbers yet
        raise UsageError(
            f"{what} is a {found}, whose numbers cannot be read ({type(error).__name__}); give what the compiled step "
            "returns, outside of it"
        ) from None
    if array.dtype.kind not in "fiuV" or array.dtype.names is not None:
        raise UsageError(f"{what} is a {found} of {array.dtype}; expected real numbers, or a tensor of any framework")
    # bfloat16 and its like, which NumPy itself does not know.
    return array.astype(np.float32) if array.dtype.kind == "V" else array


def _on_host(value: Any) -> np.ndarray:
    if hasattr(value, "primal"):  # JAX, while it differentiates outside of jit
        return _on_host(value.primal)
    if hasattr(value, "batch_dim") and hasattr(value, "val"):  # JAX, within vmap: the whole batch
        whole = _on_host(value.val)
        return whole if value.batch_dim is None else np.array(np.moveaxis(whole, value.batch_dim, 0), order="C")
    if hasattr(value, "asnumpy"):  # MXNet
        return np.array(value.asnumpy(), order="C")
    if hasattr(value, "detach"):  # torch
        tensor = value.detach().cpu()
        value = tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor
    if hasattr(value, "numpy"):  # torch, TensorFlow
        return np.array(value.numpy(), order="C")
    return np.array(value, order="C")


def is_nan(value: float | None, /) -> bool:
    """Whether a recorded loss is none at all: left out, or NaN."""
    return value is None or math.isnan(value)
