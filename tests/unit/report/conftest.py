"""Synthetic runs, written as real ones are and read back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.shared.runs.record import Run, new_run_folder, read_run, write_record
from gan_rosetta.shared.storage.files import write_npz

MakeRun = Callable[..., Run]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    def make(
        backend: str,
        *,
        folder: str = "",
        gan: str = "linear-2d",
        pretraining: np.ndarray | None = None,
        discriminator: np.ndarray | None = None,
        generator: np.ndarray | None = None,
        samples: dict[str, np.ndarray] | None = None,
        settings: dict[str, object] | None = None,
    ) -> Run:
        empty = np.zeros(0)
        losses = {"pretraining": pretraining, "discriminator": discriminator, "generator": generator}
        filled = {name: empty if values is None else np.asarray(values, float) for name, values in losses.items()}
        target = tmp_path / (folder or backend)
        with new_run_folder(target) as partial:
            write_npz(partial / "losses.npz", filled)
            write_npz(partial / "samples.npz", samples or {})
            facts = {"dtype": "float64", "device": "cpu", "seed": 0, **(settings or {})}
            write_record(partial, {"gan": gan, "backend": backend, "execution": "eager", "settings": facts})
        return read_run(target)

    return make
