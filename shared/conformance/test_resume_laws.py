"""Laws on interruption: a run that is taken up again ends bit for bit where one that was never stopped does."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.shared.compare.assertions import assert_same_bits
from gan_rosetta.shared.compare.outputs import Look
from gan_rosetta.shared.compare.yardstick import YardstickFollower
from gan_rosetta.shared.conformance.small import build_trainer, loaded_trainer, seeded_tape, small_gan
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.errors import RunInterrupted
from gan_rosetta.shared.interface import Trainer
from gan_rosetta.shared.runs.checkpoint import Checkpoint, Position, read_checkpoint, write_checkpoint
from gan_rosetta.shared.runs.order import Feed, Keeping, Order, RunSetup
from gan_rosetta.shared.runs.samples import sample_latent
from gan_rosetta.shared.runs.training import TrainingResult, run_training
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import initial_state

CHUNK_STEPS = 3
SEED = 5


class _StopAfter:
    """Keeps a checkpoint after so many chunks, and stops the run there."""

    def __init__(
        self,
        path: Path,
        trainer: Trainer,
        spec: GanSpec,
        *,
        num_chunks: int,
        yardstick: YardstickFollower | None = None,
    ) -> None:
        self._path, self._trainer, self._spec, self._yardstick = path, trainer, spec, yardstick
        self._left = num_chunks

    def after_chunk(self, position) -> None:
        self._left -= 1
        if self._left == 0:
            checkpoint = Checkpoint(
                position=position(),
                state=self._trainer.export_state(),
                order=_order(self._spec),
                yardstick={} if self._yardstick is None else self._yardstick.export(),
            )
            write_checkpoint(self._path, checkpoint)
            raise RunInterrupted("stopped by the test")


def _order(spec: GanSpec) -> Order:
    return Order(
        spec=spec,
        run=RunSetup(name="stopped", backend="stopped"),
        feed=Feed(seed=SEED),
        keeping=Keeping(folder="stopped"),
    )


def _run(
    spec: GanSpec, trainer: Trainer, *, start: Position | None = None, checkpointer=None, followers=()
) -> TrainingResult:
    tape = SeededTape(spec, seed=SEED, digits=DigitSource.parse(None))
    return run_training(
        trainer,
        spec,
        tape,
        chunk_steps=CHUNK_STEPS,
        keep_going=True,
        followers=followers,
        start=start,
        checkpointer=checkpointer,
    )


# Of four pretraining steps in threes: inside them, at their end, and inside the adversarial steps.
@pytest.mark.parametrize("num_chunks", [1, 2, 4])
@pytest.mark.parametrize("name", ["gaussian-1d-minibatch", "gaussian-1d-adam-minibatch"])
def test_interrupted_and_resumed_is_uninterrupted(reference_too, backend, tmp_path, name, num_chunks):
    spec = small_gan(name).with_steps(pretraining=4, training=14)
    _assert_resumes(spec, small_gan(name), backend, "eager", tmp_path / "checkpoint.npz", num_chunks=num_chunks)


@pytest.mark.parametrize("num_chunks", [1, 2])
@pytest.mark.parametrize("name", ["mnist-wgan-gp-sample"])
def test_interrupted_and_resumed_is_uninterrupted_on_digits(reference_too, backend, tmp_path, name, num_chunks):
    gan = small_gan(name)
    spec = gan.with_steps(pretraining=None, training=5)
    _assert_resumes(spec, gan, backend, "eager", tmp_path / "checkpoint.npz", num_chunks=num_chunks)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["linear-2d"])
def test_the_compiled_path_resumes_as_well(backend, tmp_path, name):
    gan = small_gan(name)
    spec = gan.with_steps(pretraining=None, training=8)
    _assert_resumes(spec, gan, backend, "compiled", tmp_path / "checkpoint.npz", num_chunks=2)


def _assert_resumes(spec: GanSpec, gan: GanSpec, backend: str, execution: str, path: Path, *, num_chunks: int) -> None:
    """gan: what trainers are built of, as the other laws have it; the spec's runs are shorter.

    The run that nobody stops and the one that is stopped have a trainer that has trained before, whose compiled program
    serves all laws; the one that is taken up again has a new one, as another process would.
    """
    state = initial_state(spec, seed=SEED)
    trainer = loaded_trainer(gan, backend=backend, execution=execution)
    trainer.load_state(state)
    expected, whole = _run(spec, trainer), trainer.export_state()

    trainer.load_state(state)
    with pytest.raises(RunInterrupted):
        _run(spec, trainer, checkpointer=_StopAfter(path, trainer, spec, num_chunks=num_chunks))

    checkpoint = read_checkpoint(path, spec, order=_order(spec))
    resumed = build_trainer(gan, backend=backend, execution=execution)
    resumed.load_state(checkpoint.state)
    found = _run(spec, resumed, start=checkpoint.position)

    for name, losses in expected.losses.items():
        np.testing.assert_array_equal(found.losses[name], losses, err_msg=name)
    assert found.tape_digests == expected.tape_digests
    assert found.resumed_at == (str(checkpoint.position.place),)
    assert_same_bits(resumed.export_state(), whole)


# Inside pretraining, before rounding parts the copies from the reference, and after.
@pytest.mark.parametrize("num_chunks", [1, 3, 30])
def test_the_yardstick_goes_on_where_it_was(tmp_path, num_chunks):
    spec = small_gan("gaussian-1d-minibatch").with_steps(pretraining=4, training=100)
    path = tmp_path / "checkpoint.npz"
    expected, reference, whole = _measure(spec, path)
    with pytest.raises(RunInterrupted):
        _measure(spec, path, num_chunks=num_chunks)
    checkpoint = read_checkpoint(path, spec, order=_order(spec))
    found, resumed, measured = _measure(spec, path, checkpoint=checkpoint)
    assert_same_bits(found.losses, expected.losses)
    assert_same_bits(resumed.export_state(), reference.export_state())
    for kind in ("noise", "scales", "losses"):
        assert_same_bits(getattr(measured, kind), getattr(whole, kind))
    assert measured.tensors == whole.tensors
    assert measured.tensors["end"]["samples"] > 0


def _measure(spec: GanSpec, path: Path, *, num_chunks: int = 0, checkpoint: Checkpoint | None = None):
    """Run the reference with its copies, whole, or until num_chunks, or from a checkpoint on."""
    state = initial_state(spec, seed=SEED)
    trainer = build_trainer(spec, backend="numpy")
    trainer.load_state(state if checkpoint is None else checkpoint.state)
    build = partial(build_trainer, spec, backend="numpy")
    yardstick = YardstickFollower.start(build, spec, state, dtype="float64", seed=5)
    if checkpoint is not None:
        yardstick.resume(checkpoint.yardstick)
    checkpointer = _StopAfter(path, trainer, spec, num_chunks=num_chunks, yardstick=yardstick) if num_chunks else None
    start = None if checkpoint is None else checkpoint.position
    result = _run(spec, trainer, start=start, checkpointer=checkpointer, followers=(yardstick,))
    look = Look(latent=sample_latent(spec, seeded_tape(spec), seed=5))
    yardstick.look("end", look, look.of_trainer(trainer))
    return result, trainer, yardstick.finish()
