"""docs/files.md names every file of a run's folder and every array in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gan_rosetta.shared.runs.run import run
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.workers.registry import find_backend
from tests.unit.runs.orders import order_of

DOCUMENT = (Path(__file__).parents[3] / "docs" / "files.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    """The part of the document below the heading that names a file."""
    return DOCUMENT.partition(f"\n## {name}")[2].partition("\n## ")[0]


def as_documented(array: str) -> str:
    """The pattern by which the document names an array."""
    parts = array.split("/")
    if parts[0] == "tensors":
        return "tensors/<moment>/names" if parts[-1] == "names" else "/values"
    if parts[0] in ("noise", "scales", "losses"):
        return f"{parts[0]}/<loss>"
    if len(parts) == 1:
        return array
    return f"<moment>/{parts[-1]}" if parts[-1] in ("samples", "scores") else "<moment>/<tensor>"


@pytest.mark.parametrize("gan", ["gaussian-1d", "linear-2d"])
def test_every_file_and_array_is_documented(tmp_path, gan):
    folder = tmp_path / gan / "numpy"
    pretrain_steps = 2 if gan == "gaussian-1d" else None
    order = order_of(gan, "numpy", folder, steps=12, pretrain_steps=pretrain_steps, yardstick=True)
    run(order, find_backend("numpy"), report_progress=lambda *_progress: None)
    record = json.loads((folder / "record.json").read_text())
    assert {path.name for path in folder.iterdir()} == {"record.json", *record["files"]}
    for entry in record.keys() - {"sha256"}:
        assert f"`{entry}`" in section("record.json"), entry
    for name in record["files"]:
        assert section(name), name
        if name.endswith(".npz"):
            for array in read_npz(folder / name):
                assert f"`{as_documented(array)}`" in section(name), f"{name}: {array}"
