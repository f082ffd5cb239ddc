"""What programs that run in the tests' own process may not leave behind."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def torch_s_default_type_stays():
    """Programs in PyTorch set the type that torch gives what it makes."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_default_dtype(torch.float32)
