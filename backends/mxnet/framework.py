"""Imports MXNet, which needs a NumPy that still has `numpy.bool`."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

# What MXNet takes where it is there, for an estimator and for quantization, and does without: half a second each.
_NOT_NEEDED = ("sklearn", "scipy.stats")


def import_mxnet() -> Any:
    """Import mxnet 1.9.1 under a NumPy from 1.24 to 1.26 and return it; NumPy is left as it was.

    `mxnet.numpy` reads `numpy.bool` while it is imported; the operators used here never do. On the way it looks up
    NumPy's former financial functions and compares versions with distutils: the two warnings silenced here.
    """
    restores_bool = "bool" not in vars(np)
    if restores_bool:
        vars(np)["bool"] = bool
    try:
        with _without(_NOT_NEEDED), warnings.catch_warnings():
            for message in ("In accordance with NEP 32", "distutils Version classes are deprecated"):
                warnings.filterwarnings("ignore", message=message, category=DeprecationWarning)
            return importlib.import_module("mxnet")
    finally:
        if restores_bool:
            del vars(np)["bool"]


@contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """Have modules that are not imported yet fail to import for as long as the context lasts."""
    modules: dict[str, Any] = sys.modules
    absent = [name for name in names if name not in modules]
    modules |= dict.fromkeys(absent)
    try:
        yield
    finally:
        for name in absent:
            del modules[name]


mx = import_mxnet()
