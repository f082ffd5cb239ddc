"""Trains GANs in a process of their own and leaves each one's losses in `<gan>.npz`, or what went wrong in `<gan>.txt`.

Called by test_published.py as `python worker.py BACKEND EXECUTION FOLDER GAN=PRETRAINING_STEPS+STEPS ...`, with the
repository's root on the module path. The backend "published" runs the programs of this folder.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np

from shared.data.digits import DigitSource
from shared.data.tape import SeededTape, chunks
from shared.gans import find_gan
from shared.interface import Losses, Phase
from shared.spec import GanSpec
from shared.state import initial_state

SEED = 0
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
}
TRAINERS = {
    "numpy": "NumpyTrainer",
    "torch": "TorchTrainer",
    "tensorflow": "TensorflowTrainer",
    "mxnet": "MxnetTrainer",
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


def run_published(spec: GanSpec, num_steps: Mapping[Phase, int]) -> dict[str, np.ndarray]:
    tape = SeededTape(spec, seed=SEED, digits=DigitSource.parse(None))
    arrays: dict[str, np.ndarray] = {}
    for phase, count in num_steps.items():
        if count > 0:
            arrays |= tape.arrays(phase, first_step=0, num_steps=count)
    state = initial_state(spec, seed=SEED)
    return program(spec.name)(state, arrays, pretraining_steps=num_steps["pretraining"], steps=num_steps["adversarial"])


def run_backend(backend: str, execution: str, spec: GanSpec, num_steps: Mapping[Phase, int]) -> dict[str, np.ndarray]:
    trainer_class = getattr(importlib.import_module(f"backends.{backend}.trainer"), TRAINERS[backend])
    trainer = trainer_class.build(spec, device="cpu", dtype="float64", execution=execution)
    trainer.load_state(initial_state(spec, seed=SEED))
    tape = SeededTape(spec, seed=SEED, digits=DigitSource.parse(None))
    losses: list[Losses] = []
    for phase, count in num_steps.items():
        for chunk in chunks(tape, spec, phase, first_step=0, stop=count, size=CHUNK_SIZE):
            losses.append(trainer.train(trainer.stage(chunk)))
    result: dict[str, np.ndarray] = {}
    for name in ("pretraining", "discriminator", "generator"):
        parts = [getattr(one, name) for one in losses]
        result[name] = np.concatenate([np.zeros(0), *(np.asarray(part) for part in parts if part is not None)])
    return result


def main(backend: str, execution: str, folder: Path, orders: list[str]) -> None:
    if backend == "published":
        importlib.import_module("torch").set_num_threads(1)
    else:
        importlib.import_module(f"backends.{backend}.device").configure(threads=1)
    for order in orders:
        gan, counts = order.split("=")
        pretraining, steps = (int(count) for count in counts.split("+"))
        num_steps: dict[Phase, int] = {"pretraining": pretraining, "adversarial": steps}
        spec = find_gan(gan)
        try:
            if backend == "published":
                losses = run_published(spec, num_steps)
            else:
                losses = run_backend(backend, execution, spec, num_steps)
        except Exception:  # noqa: BLE001
            (folder / f"{gan}.txt").write_text(traceback.format_exc())
        else:
            np.savez(folder / f"{gan}.npz", **losses)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
