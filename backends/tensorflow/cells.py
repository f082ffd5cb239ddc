"""What stands for a variable where a step is traced once for many replicas: it holds the tensor of the one at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


class Cell:
    """A variable of traced code: `assign` puts another tensor in its place. It starts with a tensor."""

    def __init__(self, value: Any, /, *, dtype: Any = None) -> None:
        self._value = tf.convert_to_tensor(value, dtype=dtype)

    def read_value(self) -> Any:
        """Return the tensor that it holds."""
        return self._value

    def assign(self, value: Any, /) -> Any:
        """Hold another tensor from now on, and return it."""
        self._value = tf.convert_to_tensor(value, dtype=self._value.dtype)
        return self._value

    def assign_sub(self, value: Any, /) -> Any:
        """Take something away, and return what is left."""
        return self.assign(self._value - value)

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return tf.convert_to_tensor(self._value, dtype=dtype, name=name)


def _on_tensors(operator: str) -> Callable[..., Any]:
    def apply(cell: Cell, *others: Any) -> Any:
        return getattr(cell.read_value(), operator)(*others)

    return apply


for _operator in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "matmul", "rmatmul", "getitem"):
    setattr(Cell, f"__{_operator}__", _on_tensors(f"__{_operator}__"))


def cell_creator(_create: Callable[..., Any], /, **options: Any) -> Cell:
    """Make a cell where code makes a variable, for `tf.variable_creator_scope`."""
    return Cell(options["initial_value"], dtype=options.get("dtype"))
