"""What XLA makes of the loop over steps: one function for a small GAN, and what is done where it has none."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.benchmarks.cells import cell_spec
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.state import initial_state

if importlib.util.find_spec("tensorflow") is None:
    pytest.skip(f"TensorFlow is not installed: {BACKENDS['tensorflow'].install_hint}", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[3]
_PROGRAM = """
import sys
import numpy as np
from gan_rosetta.benchmarks.cells import cell_spec
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import find_backend, load_device_module, load_trainer
gan, path = sys.argv[1:]
entry = find_backend("tensorflow")
load_device_module(entry).configure(threads=1)
spec = cell_spec(gan)
trainer = load_trainer(entry).build(spec, device="cpu", dtype="float32", execution="compiled")
trainer.load_state(initial_state(spec, seed=14))
tape = SeededTape(spec, seed=14, digits=DigitSource.parse(None))
for first in (0, 2):
    losses = trainer.train(trainer.stage(make_chunk(tape, spec, "adversarial", first_step=first, num_steps=2)))
np.savez(path, discriminator=losses.discriminator, generator=losses.generator)
"""


def _assert_trains(gan, folder, *, flags):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "XLA_FLAGS": flags}
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, gan, str(folder / "losses.npz")]
    finished = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert finished.returncode == 0, finished.stderr
    spec = cell_spec(gan)
    reference = NumpyTrainer.build(spec, device="cpu", dtype="float64", execution="eager")
    reference.load_state(initial_state(spec, seed=14))
    tape = SeededTape(spec, seed=14, digits=DigitSource.parse(None))
    losses = reference.train(reference.stage(make_chunk(tape, spec, "adversarial", first_step=0, num_steps=4)))
    with np.load(folder / "losses.npz") as found:
        for name in ("discriminator", "generator"):
            np.testing.assert_allclose(found[name], getattr(losses, name)[2:], rtol=1e-5, err_msg=name)


def test_xla_makes_one_function_of_a_small_gans_loop(tmp_path):
    dump = tmp_path / "dump"
    _assert_trains("linear-2d", tmp_path, flags=f"--xla_dump_to={dump} --xla_dump_hlo_module_re=.*adversarial.*")
    optimized = [path.read_text(encoding="utf-8") for path in dump.glob("*cpu_after_optimizations.txt")]
    assert any('xla_cpu_small_call="true"' in text for text in optimized), sorted(path.name for path in dump.iterdir())


def test_a_loop_that_xla_refuses_to_make_one_function_of_is_run_as_a_graph(tmp_path):
    # Products of sine's size are a library's, which XLA cannot call from such a function.
    flags = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1000000000"
    _assert_trains("sine", tmp_path, flags=flags)
