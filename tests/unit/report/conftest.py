"""Synthetic runs: records that are written as real ones are and read back, with such arrays as a test is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.runs.record import Run, new_run_folder, read_run, write_record
from gan_rosetta.shared.storage.files import write_npz
from tests.unit.report.recorded import as_record, what_happened
from tests.unit.runs.orders import order_of

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
        asked: dict[str, object] | None = None,
    ) -> Run:
        empty = np.zeros(0)
        losses = {"pretraining": pretraining, "discriminator": discriminator, "generator": generator}
        filled = {name: empty if values is None else np.asarray(values, float) for name, values in losses.items()}
        target = tmp_path / (folder or backend)
        with new_run_folder(target) as partial:
            write_npz(partial / "losses.npz", filled)
            write_npz(partial / "samples.npz", samples or {})
            spec = replace(find_gan(gan if gan in CATALOGUE else "linear-2d"), name=gan)
            order = order_of(spec, backend, target, **{"seed": 0, "source": None, **(asked or {})})
            said = {**as_record(order), **what_happened(backend, spec, filled)}
            write_record(partial, {"gan": gan, "backend": backend, "execution": "eager", **said})
        run = read_run(target)
        # Pictures are drawn of parts of a run here, of which no reader would take the rest for granted.
        run.__dict__.update(losses=filled, samples=samples or {})
        return run

    return make
