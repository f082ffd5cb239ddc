"""Imports MXNet, which needs a NumPy that still has `numpy.bool`."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np


def import_mxnet() -> Any:
    """Import mxnet 1.9.1 under a NumPy from 1.24 to 1.26 and return it; NumPy is left as it was.

    `mxnet.numpy` reads `numpy.bool` while it is imported; the operators used here never do. On the way it looks up
    NumPy's former financial functions and compares versions with distutils: the two warnings silenced here.
    """
    restores_bool = "bool" not in vars(np)
    if restores_bool:
        vars(np)["bool"] = bool
    try:
        with warnings.catch_warnings():
            for message in ("In accordance with NEP 32", "distutils Version classes are deprecated"):
                warnings.filterwarnings("ignore", message=message, category=DeprecationWarning)
            return importlib.import_module("mxnet")
    finally:
        if restores_bool:
            del vars(np)["bool"]


mx = import_mxnet()
