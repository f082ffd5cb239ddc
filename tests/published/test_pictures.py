"""A folder of pictures through `--images` gives the losses of the published program on the same folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gan_rosetta as gr
from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.workers.process import environment
from gan_rosetta.shared.workers.registry import installed_version

REPOSITORY = Path(__file__).resolve().parents[2]
LONG = os.environ.get("GAN_ROSETTA_LONG") == "1"
BACKEND_NAMES = tuple(BACKENDS) if LONG else ("torch",)
# As for mnist-conv in test_published.py.
BATCH_SIZE, STEPS = (100, 10) if LONG else (8, 2)
NUM_PICTURES = 900
BOUND = 1e-12
pytestmark = pytest.mark.xdist_group("published-pictures")


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """900 digits in a folder a class, of two formats; some are wider than high, so that they are cropped."""
    source = DigitSource.parse(None)
    images, labels = source.load(), source.load_labels()
    root = tmp_path_factory.mktemp("pictures")
    for digit in range(10):
        (root / str(digit)).mkdir()
        for place in np.flatnonzero(labels == digit)[: NUM_PICTURES // 10]:
            levels = np.pad(images[place], ((0, 0), (5, 5))) if place % 7 == 0 else images[place]
            Image.fromarray(levels).save(root / str(digit) / f"{place:05}.{('png', 'bmp')[place % 2]}")
    return root


@pytest.mark.parametrize("backend", BACKEND_NAMES)
def test_a_folder_of_pictures_gives_the_published_programs_losses(tmp_path: Path, pictures: Path, backend: str) -> None:
    if installed_version(BACKENDS[backend]) is None or installed_version(BACKENDS["torch"]) is None:
        pytest.skip(f"{backend}, or PyTorch for the published program, is not installed")
    exports = {"export_tape": tmp_path / "tape.npz", "export_initial_state": tmp_path / "state.safetensors"}
    run = gr.train("mnist-conv", run=backend, images=pictures, steps=STEPS, batch_size=BATCH_SIZE, **exports)
    program = [sys.executable, "-m", "tests.published.from_pictures", str(pictures), str(tmp_path)]
    subprocess.run(
        [*program, str(tmp_path / "losses.npz"), str(STEPS)],
        cwd=REPOSITORY,
        env=os.environ | environment(threads=1) | {"PYTHONPATH": str(REPOSITORY)},
        check=True,
        timeout=600,
    )
    with np.load(tmp_path / "losses.npz") as expected:
        for name in ("discriminator", "generator"):
            np.testing.assert_allclose(run.losses[name], expected[name], rtol=BOUND, atol=0)
    assert np.isfinite(run.losses["discriminator"][0])
