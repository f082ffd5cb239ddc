"""Trains GANs in a process of their own; leaves each one's losses in an `.npz`, or what went wrong in a `.txt`.

Called by test_published.py: `python worker.py BACKEND EXECUTION FOLDER ORDER ...` with the repository's root on the
module path. An order is GAN:SEED:PRETRAINING_STEPS:STEPS:BATCH_SIZE:NUM_IMAGES; a batch size of 0 is the published one,
0 images are all digits. The files are named `GAN-SEED`.
The backend "published" runs this folder's programs.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, chunks
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.interface import Losses, Phase, Trainer
from gan_rosetta.shared.spec import DigitsReal, GanSpec
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.process import call_with_room, keep_freed_memory
from gan_rosetta.shared.workers.registry import find_backend, load_device_module, load_trainer

CHUNK_SIZE = 50
# GAN -> module of this folder and function in it.
PROGRAMS = {
    "gaussian-1d": ("gaussian_1d", "run"),
    "gaussian-1d-minibatch": ("gaussian_1d", "run"),
    "gaussian-1d-adam": ("gaussian_1d_adam", "run"),
    "gaussian-1d-adam-minibatch": ("gaussian_1d_adam", "run"),
    "linear-2d": ("linear_2d", "run"),
    "sine": ("sine", "run"),
    "mnist-conv": ("mnist_conv", "run"),
    "mnist-wgan-gp": ("mnist_wgan_gp", "run"),
    "mnist-wgan-gp-sample": ("mnist_wgan_gp", "run_sample"),
    "wgan": ("wgan", "run"),
    "lsgan": ("lsgan", "run"),
    "cgan": ("cgan", "run"),
    "sngan": ("sngan", "run"),
    "relativistic": ("relativistic", "run"),
    "acgan": ("acgan", "run"),
    "sgan": ("sgan", "run"),
    "wgan-gp": ("wgan_gp", "run"),
    "wgan-gp-conv": ("wgan_gp_conv", "run"),
    "dcgan": ("dcgan", "run"),
    "dcgan-keras": ("dcgan_keras", "run"),
    "sagan-small": ("sagan_small", "run"),
    "dragan": ("dragan", "run"),
    "ebgan": ("ebgan", "run"),
    "began": ("began", "run"),
    "context-encoder": ("context_encoder", "run"),
    "infogan": ("infogan", "run"),
}


def program(gan: str) -> Callable[..., dict[str, np.ndarray]]:
    module_name, function = PROGRAMS[gan]
    return getattr(load_module(module_name), function)


def load_module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"published_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_published(spec: GanSpec, *, seed: int, num_steps: Mapping[Phase, int]) -> dict[str, np.ndarray]:
    return run_program(program(spec.name), spec, seed=seed, num_steps=num_steps)


def run_program(
    run: Callable[..., dict[str, np.ndarray]], spec: GanSpec, *, seed: int, num_steps: Mapping[Phase, int]
) -> dict[str, np.ndarray]:
    """Run a program from the GAN's initial state on its tape."""
    tape = SeededTape(spec, seed=seed, digits=DigitSource.parse(None))
    arrays: dict[str, np.ndarray] = {}
    for phase, count in num_steps.items():
        if count > 0:
            arrays |= _whole_batches(tape, spec, phase, count)
    state = initial_state(spec, seed=seed)
    return run(state, arrays, pretraining_steps=num_steps["pretraining"], steps=num_steps["adversarial"])


def _whole_batches(tape: SeededTape, spec: GanSpec, phase: Phase, num_steps: int) -> dict[str, np.ndarray]:
    """Return a phase's arrays, (num_steps, batch, ...), padded where a batch is short, which batch_size then says."""
    sizes = np.array([tape.batch_size(phase, step) for step in range(num_steps)])
    if (sizes == spec.batch_size).all():
        return tape.arrays(phase, first_step=0, num_steps=num_steps)
    steps = [tape.arrays(phase, first_step=step, num_steps=1) for step in range(num_steps)]
    padded = {name: np.zeros((num_steps, spec.batch_size, *array.shape[2:])) for name, array in steps[0].items()}
    for step, arrays in enumerate(steps):
        for name, array in arrays.items():
            padded[name][step, : sizes[step]] = array[0]
    return padded | {"batch_size": sizes}


class Backend:
    """A backend's trainers, each GAN's built once and loaded anew for each seed."""

    def __init__(self, name: str, execution: str) -> None:
        entry = find_backend(name)
        load_device_module(entry).configure(threads=1)
        self._class = load_trainer(entry)
        self._execution = execution
        self._trainers: dict[str, Trainer] = {}

    def run(self, spec: GanSpec, *, seed: int, num_steps: Mapping[Phase, int]) -> dict[str, np.ndarray]:
        if spec.name not in self._trainers:
            built = self._class.build(spec, device="cpu", dtype="float64", execution=self._execution)
            self._trainers[spec.name] = built
        trainer = self._trainers[spec.name]
        trainer.load_state(initial_state(spec, seed=seed))
        tape = SeededTape(spec, seed=seed, digits=DigitSource.parse(None))
        losses: list[Losses] = []
        for phase, count in num_steps.items():
            for chunk in chunks(tape, spec, phase, first_step=0, stop=count, size=CHUNK_SIZE):
                losses.append(trainer.train(trainer.stage(chunk)))
        result: dict[str, np.ndarray] = {}
        for name in spec.loss_names:
            parts = [getattr(one, name) for one in losses]
            result[name] = np.concatenate([np.zeros(0), *(np.asarray(part) for part in parts if part is not None)])
        return result


def main(backend: str, execution: str, folder: Path, orders: list[str]) -> None:
    keep_freed_memory()
    if backend == "published":
        importlib.import_module("torch").set_num_threads(1)
        run = run_published
    else:
        run = Backend(backend, execution).run
    for order in orders:
        gan, seed, pretraining, steps, batch_size, num_images = order.split(":")
        spec = find_gan(gan)
        spec = replace(spec, batch_size=int(batch_size) or spec.batch_size)
        if isinstance(spec.real, DigitsReal) and int(num_images):
            spec = replace(spec, real=replace(spec.real, num_images=int(num_images)))
        num_steps: dict[Phase, int] = {"pretraining": int(pretraining), "adversarial": int(steps)}
        name = f"{gan}-{seed}"
        try:
            losses = run(spec, seed=int(seed), num_steps=num_steps)
        except Exception:
            (folder / f"{name}.txt").write_text(traceback.format_exc())
        else:
            np.savez(folder / f"{name}.npz", **losses)


if __name__ == "__main__":
    call_with_room(lambda: main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:]))
