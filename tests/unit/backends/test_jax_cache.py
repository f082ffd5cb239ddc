"""What JAX compiles is kept: a later process finds it, and its numbers are the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax", reason="JAX is not installed: pip install 'gan-rosetta[jax]'")

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAM = """
import logging, sys
from gan_rosetta.backends.jax import device
device.configure(threads=1)
from gan_rosetta.shared.conformance.small import adversarial_chunk, build_trainer, small_gan
logging.getLogger("jax._src.compiler").setLevel(logging.DEBUG)
logging.getLogger("jax._src.compiler").addHandler(logging.StreamHandler(sys.stderr))
spec = small_gan("linear-2d")
trainer = build_trainer(spec, backend="jax", execution="compiled")
losses = trainer.train(trainer.stage(adversarial_chunk(spec, num_steps=4)))
print(losses.discriminator.tobytes().hex(), losses.generator.tobytes().hex())
"""
HIT = "Persistent compilation cache hit for 'jit__loop'"


def run(cache: Path) -> tuple[str, str]:
    own = {"XDG_CACHE_HOME": str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    others = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY, env=others | own, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout, finished.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="the cache folder is moved by XDG_CACHE_HOME, which is Linux's")
def test_a_later_process_finds_what_was_compiled(tmp_path):
    fresh, first_words = run(tmp_path)
    assert list((tmp_path / "gan-rosetta" / "jax").rglob("jit__loop-*"))
    found, later_words = run(tmp_path)
    assert HIT not in first_words
    assert HIT in later_words
    assert found == fresh


@pytest.mark.skipif(sys.platform != "linux", reason="the cache folder is moved by XDG_CACHE_HOME, which is Linux's")
def test_what_was_cut_short_is_compiled_again(tmp_path):
    fresh, _ = run(tmp_path)
    for kept in (tmp_path / "gan-rosetta" / "jax").rglob("jit__loop-*"):
        kept.write_bytes(kept.read_bytes()[:100])
    found, words = run(tmp_path)
    assert HIT not in words
    assert found == fresh


def test_a_place_that_is_no_folder_is_done_without(tmp_path):
    place = tmp_path / "file"
    place.write_text("")
    fresh, _ = run(tmp_path / "other")
    found, _ = run(place)
    assert found == fresh
