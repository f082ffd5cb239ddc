"""The suite's own record of a lesson: the NumPy reference in float64, with the copies that measure its rounding.

Run as `python -m tutorials.machinery.reference ORDERS`, with a list of orders as JSON: {"lesson", "inputs", "out",
"short"}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gan_rosetta.shared.compare.outputs import SAMPLES, Look
from gan_rosetta.shared.compare.yardstick import END, YardstickFollower, write_yardstick
from gan_rosetta.shared.interface import PerturbedTrainer
from gan_rosetta.shared.runs.training import run_training
from gan_rosetta.shared.workers.registry import build_reference
from tutorials.machinery.inputs import inputs_digests, read_inputs, shown_latent
from tutorials.machinery.lessons import SEED, Lesson, find_lesson
from tutorials.machinery.record import LessonRecord, write_record

RECORD_FILE = "reference.npz"
YARDSTICK_FILE = "yardstick.npz"


def run_reference(lesson: Lesson, inputs: Path, folder: Path, /) -> None:
    """Train the reference and its copies on a lesson's inputs; leave record and yardstick in the folder."""
    state, tape = read_inputs(lesson, inputs)
    spec = lesson.spec.with_steps(pretraining=None, training=lesson.num_judged)

    def build() -> PerturbedTrainer:
        return build_reference(spec, dtype="float64")

    trainer = build()
    trainer.load_state(state)
    follower = YardstickFollower.start(build, spec, state, dtype="float64", seed=SEED)
    result = run_training(trainer, spec, tape, keep_going=True, followers=(follower,))
    look = Look(latent=shown_latent(lesson, tape))
    outputs = look.of_trainer(trainer)
    follower.look(END, look, outputs)
    folder.mkdir(parents=True, exist_ok=True)
    write_yardstick(folder / YARDSTICK_FILE, follower.finish())
    record = LessonRecord(digests=inputs_digests(inputs), losses=result.losses, samples=outputs[SAMPLES])
    write_record(folder / RECORD_FILE, record)


if __name__ == "__main__":
    for order in json.loads(sys.argv[1]):
        chosen = find_lesson(order["lesson"])
        run_reference(chosen.shortened() if order["short"] else chosen, Path(order["inputs"]), Path(order["out"]))
