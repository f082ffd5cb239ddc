"""The loop that feeds trainers: chunks, stop rule, snapshots, digests. On the NumPy backend, which is quick."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.chunk_sizes import chunk_size
from gan_rosetta.shared.runs.training import run_training
from gan_rosetta.shared.spec import StopRule
from gan_rosetta.shared.state import initial_state


class _Recorder:
    def __init__(self):
        self.labels = []
        self.chunks = []

    def follow(self, chunk, losses):
        self.chunks.append((chunk.phase, chunk.first_step, chunk.num_steps))

    def snapshot(self, label, state):
        self.labels.append(label)


def _train(spec, **options):
    trainer = NumpyTrainer.build(spec, device="cpu", dtype="float64", execution="eager")
    trainer.load_state(initial_state(spec, seed=7))
    tape = SeededTape(spec, seed=7, digits=DigitSource.parse(None))
    return run_training(trainer, spec, tape, **options), trainer


def test_how_steps_are_cut_changes_neither_losses_nor_common_digests():
    spec = find_gan("gaussian-1d").with_steps(pretraining=40, training=60)
    first, trainer = _train(spec, chunk_steps=7)
    second, other = _train(spec, chunk_steps=500)
    for name, losses in first.losses.items():
        assert len(losses) == (40 if name == "pretraining" else 60)
        np.testing.assert_array_equal(losses, second.losses[name])
    for phase, digests in second.tape_digests.items():
        common = set(digests) & set(first.tape_digests[phase])
        assert common
        assert all(digests[step] == first.tape_digests[phase][step] for step in common)
    state, other_state = trainer.export_state(), other.export_state()
    assert all(np.array_equal(state[name], other_state[name]) for name in state)


def test_snapshots_are_taken_after_pretraining_and_early_and_at_the_end():
    spec = find_gan("gaussian-1d").with_steps(pretraining=20, training=30)
    recorder = _Recorder()
    _train(spec, chunk_steps=25, followers=(recorder,))
    assert recorder.labels == ["pretraining", "step 1", "step 10", "end"]
    assert recorder.chunks == [
        ("pretraining", 0, 20),
        ("adversarial", 0, 1),
        ("adversarial", 1, 9),
        ("adversarial", 10, 20),
    ]


def _spec_that_stops(tolerance):
    spec = find_gan("sine").with_steps(training=40)
    return replace(spec, training=replace(spec.training, stop=StopRule(tolerance=tolerance)))


def test_the_stop_rule_ends_the_run_inside_a_chunk_as_if_steps_were_taken_one_by_one():
    spec = _spec_that_stops(0.002)
    by_chunks, trainer = _train(spec, chunk_steps=500)
    one_by_one, other = _train(spec, chunk_steps=1)
    assert by_chunks.stopped_at == one_by_one.stopped_at
    assert 10 < by_chunks.stopped_at < 39, "choose a tolerance that fires inside a chunk"
    assert len(by_chunks.losses["generator"]) == by_chunks.stopped_at + 1
    np.testing.assert_array_equal(by_chunks.losses["generator"], one_by_one.losses["generator"])
    state, other_state = trainer.export_state(), other.export_state()
    assert all(np.array_equal(state[name], other_state[name]) for name in state)


def test_the_stop_rule_can_be_ignored():
    result, _ = _train(_spec_that_stops(0.002), keep_going=True)
    assert (result.stopped_at, len(result.losses["generator"])) == (None, 40)


@pytest.mark.parametrize(("name", "expected"), [("gaussian-1d", 500), ("mnist-conv", 1)])
def test_costly_gans_get_short_chunks(name, expected):
    assert chunk_size(find_gan(name)) == expected
