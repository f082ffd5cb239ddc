"""A run's folder: what is recorded where training goes wrong, and that a failed write leaves nothing."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs import run as run_module
from gan_rosetta.shared.runs.run import run
from gan_rosetta.shared.spec.toml_file import spec_to_toml
from tests.unit.runs.orders import order_of


def train(folder: Path, gan: str | Path = "linear-2d") -> None:
    run(order_of(gan, "numpy", folder, steps=12), BACKENDS["numpy"], report_progress=lambda *_progress: None)


def outcome(folder: Path) -> dict[str, object]:
    return json.loads((folder / "record.json").read_text())["outcome"]


def test_a_run_without_fault_says_so(tmp_path: Path) -> None:
    train(tmp_path / "run")
    assert outcome(tmp_path / "run")["first_not_finite"] == {}


def test_nan_in_the_middle_of_training_is_recorded_with_its_step(tmp_path: Path) -> None:
    # A learning rate with which the first update leaves parameters whose products overflow.
    text = spec_to_toml(find_gan("linear-2d")).replace('"linear-2d"', '"too-fast"')
    assert "value = 0.05" in text
    (tmp_path / "fast.toml").write_text(text.replace("value = 0.05", "value = 1.7e308"))
    train(tmp_path / "run", tmp_path / "fast.toml")
    with np.load(tmp_path / "run" / "losses.npz") as losses:
        bad = {n: np.flatnonzero(~np.isfinite(v)) for n, v in losses.items() if not np.isfinite(v).all()}
    assert bad, "nothing overflowed; take a larger learning rate"
    assert bad["discriminator"][0] > 0
    assert outcome(tmp_path / "run")["first_not_finite"] == {name: int(steps[0]) for name, steps in bad.items()}


def test_a_full_disk_leaves_no_half_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_module, "write_state", no_space)
    with pytest.raises(RecordError, match="No space left on device"):
        train(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
