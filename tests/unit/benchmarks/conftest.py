"""Plans here do not depend on how much memory happens to be free."""

from __future__ import annotations

from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True)
def _memory(monkeypatch):
    monkeypatch.setattr(
        "gan_rosetta.benchmarks.plan.psutil", SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=8e9))
    )
