"""These tests import frameworks, and some compute while they are collected: set all up before."""

import numpy as np
import pytest

from shared.conformance.frameworks import configure_installed

configure_installed()


@pytest.fixture
def memory_of_nans(monkeypatch):
    """New memory that NumPy does not fill holds ones in every bit: NaN in every floating type, and True."""
    original = np.empty

    def empty(*arguments, **keywords):
        array = original(*arguments, **keywords)
        array.view(np.uint8).fill(0xFF)
        return array

    monkeypatch.setattr(np, "empty", empty)
    assert np.isnan(np.empty(8 * 3, dtype=np.uint8).view(np.float64)).all()
