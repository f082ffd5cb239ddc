"""Trains a framework's published programs in float64 and leaves what came out in an `.npz` of each GAN.

Called by test_published.py: `python published_worker.py BACKEND FOLDER GAN:STEPS:BATCH_SIZE ...`, the repository's root
on the module path. The files hold losses and state, and of a second training that was cut by export and load, "cut.".
"""

from __future__ import annotations

import importlib
import itertools
import sys
from pathlib import Path

import numpy as np

from gan_rosetta.benchmarks.cells import cell_spec
from gan_rosetta.benchmarks.published.trainer import PROGRAMS, PublishedTrainer
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import find_backend, load_device_module


def main(backend: str, folder: Path, orders: list[str]) -> None:
    load_device_module(find_backend(backend)).configure(threads=1)
    programs = importlib.import_module(f"gan_rosetta.benchmarks.published.in_{backend}")
    for order in orders:
        gan, steps, batch_size = order.split(":")
        spec = cell_spec(gan, batch_size=int(batch_size))
        # Not by `build`, which takes the published size alone.
        trainer = PublishedTrainer(spec, getattr(programs, PROGRAMS[gan][1])(spec, "float64"), "float64")
        tape = SeededTape(spec, seed=14, digits=DigitSource.parse(None))
        state = initial_state(spec, seed=14)
        trainer.load_state(state)
        found = {f"loaded.{name}": array for name, array in trainer.export_state().items()}
        half = int(steps) // 2
        for prefix, cuts in (("", (0, int(steps))), ("cut.", (0, half, int(steps)))):
            trainer.load_state(state)
            for first, stop in itertools.pairwise(cuts):
                trainer.load_state(trainer.export_state())
                chunk = make_chunk(tape, spec, "adversarial", first_step=first, num_steps=stop - first)
                losses = trainer.train(trainer.stage(chunk))
            found |= {f"{prefix}{name}": array for name, array in vars(losses).items() if array is not None}
            found |= {f"{prefix}{name}": array for name, array in trainer.export_state().items()}
        np.savez(folder / f"{gan}.npz", **found)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
