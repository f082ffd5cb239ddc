"""Laws on looking: samples taken during training change nothing in it, also where a run was taken up again."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.compare.assertions import assert_same_bits
from gan_rosetta.shared.conformance.small import SEED, build_trainer, loaded_trainer, seeded_tape, small_gan
from gan_rosetta.shared.errors import RunInterrupted
from gan_rosetta.shared.interface import Trainer
from gan_rosetta.shared.runs.checkpoint import Position
from gan_rosetta.shared.runs.looks import LookRecorder
from gan_rosetta.shared.runs.moments import choose_moments
from gan_rosetta.shared.runs.training import TrainingResult, run_training
from gan_rosetta.shared.spec import GanSpec

NUM_STEPS = 24
# The wide GAN has BatchNorm, whose buffers a look must leave alone; the minibatch one looks at D in batches.
LOOKED_AT = ("gaussian-1d-minibatch", "linear-2d", "mnist-conv")


def _small(name: str) -> GanSpec:
    spec = small_gan(name)
    return spec.with_steps(
        pretraining=4 if spec.pretraining else None, training=3 if name == "mnist-conv" else NUM_STEPS
    )


def _run(spec: GanSpec, trainer: Trainer, look_recorder: LookRecorder | None, **options) -> TrainingResult:
    return run_training(trainer, spec, seeded_tape(spec), keep_going=True, watcher=look_recorder, **options)


def _look_recorder(spec: GanSpec, trainer: Trainer) -> LookRecorder:
    moments = choose_moments(spec.training.num_steps, count=4, chunk_steps=500)
    return LookRecorder(trainer, spec, moments, tape=seeded_tape(spec), seed=SEED)


@pytest.mark.parametrize("execution", ["eager", pytest.param("compiled", marks=pytest.mark.compiled)])
@pytest.mark.parametrize("name", LOOKED_AT)
def test_looking_changes_nothing(backend, execution, name):
    spec = _small(name)
    # Built of the GAN as the other laws have it, so that what they compiled serves this one: only runs count steps.
    alone = loaded_trainer(small_gan(name), backend=backend, execution=execution)
    expected, state = _run(spec, alone, None), alone.export_state()
    watched = loaded_trainer(small_gan(name), backend=backend, execution=execution)
    look_recorder = _look_recorder(spec, watched)
    found = _run(spec, watched, look_recorder)
    assert_same_bits(found.losses, expected.losses)
    assert_same_bits(watched.export_state(), state)
    looks = look_recorder.arrays()
    assert looks["adversarial_steps"].tolist()[-1] == look_recorder.moments.steps[-2]
    shown = looks.get("generated", looks.get("histogram_generated"))
    assert len({look.tobytes() for look in shown}) > 1


class _Stop:
    """Stops a run after so many chunks, and remembers where and in what state."""

    def __init__(self, trainer: Trainer, *, num_chunks: int) -> None:
        self._trainer, self._left = trainer, num_chunks

    def after_chunk(self, position) -> None:
        self._left -= 1
        if self._left == 0:
            self.position: Position = position()
            self.state = self._trainer.export_state()
            raise RunInterrupted("stopped by the test")


@pytest.mark.parametrize("num_chunks", [1, 2, 4])
def test_a_run_taken_up_again_has_the_looks_of_one_that_never_stopped(reference_too, backend, num_chunks):
    spec = _small("gaussian-1d-minibatch")
    whole, stopped, resumed = (build_trainer(spec, backend=backend) for _ in range(3))
    expected, before, after = (_look_recorder(spec, trainer) for trainer in (whole, stopped, resumed))
    _run(spec, whole, expected)
    stop = _Stop(stopped, num_chunks=num_chunks)
    with pytest.raises(RunInterrupted):
        _run(spec, stopped, before, checkpointer=stop)
    resumed.load_state(stop.state)
    after.restore(before.arrays())
    _run(spec, resumed, after, start=stop.position)
    assert_same_bits(after.arrays(), expected.arrays())
    assert len(before.arrays()["adversarial_steps"]) < len(np.unique(expected.arrays()["adversarial_steps"])) + 1
