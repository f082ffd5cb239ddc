"""What a lesson's programs start from and are fed: the suite's own state and tape, as its command exports them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, Tape
from gan_rosetta.shared.data.tape_file import FileTape, write_tape
from gan_rosetta.shared.state import State, initial_state
from gan_rosetta.shared.state.archive import read_state, write_state
from tutorials.machinery.lessons import SEED, Lesson

TAPE_FILE = "tape.npz"
STATE_FILE = "state.safetensors"
_NUM_ON_LINE = 1000


def write_inputs(lesson: Lesson, folder: Path, /) -> None:
    """Write the lesson's tape and initial state, as `gan-rosetta train --export-tape … --export-initial-state …`."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = lesson.spec
    tape = SeededTape(spec, seed=SEED, digits=DigitSource.parse(None))
    write_state(folder / STATE_FILE, initial_state(spec, seed=SEED), metadata={"gan": spec.name, "seed": str(SEED)})
    write_tape(
        folder / TAPE_FILE,
        tape,
        spec,
        pretraining_steps=spec.num_pretraining_steps,
        training_steps=spec.training.num_steps,
    )


def read_inputs(lesson: Lesson, folder: Path, /) -> tuple[State, Tape]:
    """Read what write_inputs wrote; raises StateError, TapeError."""
    return read_state(folder / STATE_FILE, lesson.spec), FileTape.read(folder / TAPE_FILE, lesson.spec)


def shown_latent(lesson: Lesson, tape: Tape, /) -> np.ndarray:
    """Return the noise (n, ...) that a lesson's samples are made of: the first batches of its tape, in a row.

    On the line the noise is a grid with little jitter, twelve places only, so there it is a finer grid.
    """
    if lesson.view == "line":
        return np.linspace(-8, 8, _NUM_ON_LINE)[:, np.newaxis]
    first = tape.arrays("adversarial", first_step=0, num_steps=lesson.num_shown)["latent_d"]
    return first.reshape(-1, *first.shape[2:])


def inputs_digests(folder: Path, /) -> dict[str, str]:
    """Return the SHA-256 of the two files, by what they hold."""
    files = {"tape": TAPE_FILE, "initial state": STATE_FILE}
    return {what: hashlib.sha256((folder / name).read_bytes()).hexdigest() for what, name in files.items()}
