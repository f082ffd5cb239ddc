"""What the machine lacks is no finding of a GAN: the whole drawing ends with it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from gan_rosetta.shared.errors import RunFailed
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.generate import job
from gan_rosetta.shared.spec.toml_file import spec_to_toml
from gan_rosetta.shared.storage.files import write_json
from gan_rosetta.shared.workers.registry import find_backend


def test_a_full_disk_is_no_disagreement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

    monkeypatch.setattr(job, "write_reference", full)
    write_json(tmp_path / job.SPECS_FILE, [spec_to_toml(find_gan("linear-2d"))])
    order = job.BatchJob(folder=str(tmp_path), is_reference=True, execution="eager", device="cpu")
    with pytest.raises(RunFailed, match="No space left on device"):
        job.run_batch_job(order, find_backend("numpy"), report_progress=lambda *_: None)
