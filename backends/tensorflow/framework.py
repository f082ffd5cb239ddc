"""Imports TensorFlow without Keras and JAX, which it looks for and none of this folder uses: half of its time."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# tensorflow/__init__.py imports Keras, "for Keras' code that needs to happen at load time", and
# tensorflow/lite/python/util.py imports JAX; both go on where there is none.
_LEFT_OUT = ("keras", "jax")


def import_tensorflow() -> None:
    """Import tensorflow; what was left out stays as it was found, and `tensorflow.keras` still loads on first use."""
    finder = _Declining()
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module("tensorflow")
    finally:
        sys.meta_path.remove(finder)


class _Declining(MetaPathFinder, Loader):
    """Finds what is left out, as TensorFlow notes where Keras is, and declines to load it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002 - importlib passes it
    ) -> ModuleSpec | None:
        """Return the spec of a module that is left out, with this as its loader."""
        spec = PathFinder.find_spec(fullname, path) if fullname in _LEFT_OUT else None
        if spec is not None:
            spec.loader = self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        """Raise ImportError."""
        raise ImportError(f"{module.__name__} is not imported on the way to tensorflow")
