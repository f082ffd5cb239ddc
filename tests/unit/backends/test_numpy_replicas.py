"""Replicas of the reference are bit for bit what each is alone, side by side or not, rounding at random or not."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from gan_rosetta.backends.numpy import losses
from gan_rosetta.backends.numpy.replicas import NumpyReplicas
from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP
from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.spec import (
    BalancedDiscriminatorLoss,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    GanSpec,
)
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import build_reference

SEEDS = (3, 14)


def replicas_of(spec: GanSpec) -> NumpyReplicas:
    replicas = NumpyReplicas.build(spec, num_replicas=len(SEEDS), device="cpu", dtype="float32")
    for index, seed in enumerate(SEEDS):
        replicas.load_state(index, initial_state(spec, seed=seed))
    return replicas


def chunks_of(spec: GanSpec, *, num_steps: int) -> dict[int, Chunk]:
    tapes = [SeededTape(spec, seed=seed, digits=DigitSource.parse(None)) for seed in SEEDS]
    return {
        index: make_chunk(tape, spec, "adversarial", first_step=0, num_steps=num_steps)
        for index, tape in enumerate(tapes)
    }


@pytest.mark.parametrize("rounds_at_random", [False, True])
@pytest.mark.parametrize("gan", ["linear-2d", "mnist-wgan-gp"])
def test_each_is_bit_for_bit_what_it_is_alone(gan: str, rounds_at_random: bool) -> None:
    spec = small_gan(gan)
    replicas, chunks = replicas_of(spec), chunks_of(spec, num_steps=2)
    if rounds_at_random:
        replicas.perturb(seeds=(5, 6))
    found = replicas.train(chunks)
    for index, seed in enumerate(SEEDS):
        alone = build_reference(spec, dtype="float32")
        alone.load_state(initial_state(spec, seed=seed))
        if rounds_at_random:
            alone.perturb(seed=5 + index)
        expected = alone.train(alone.stage(chunks[index]))
        for name in ("discriminator", "generator"):
            assert getattr(found[index], name).tobytes() == getattr(expected, name).tobytes()
        state = replicas.export_state(index)
        assert {name: array.tobytes() for name, array in alone.export_state().items()} == {
            name: array.tobytes() for name, array in state.items()
        }


def test_those_of_which_one_has_trained_longer_are_refused() -> None:
    spec = small_gan("linear-2d")
    replicas, chunks = replicas_of(spec), chunks_of(spec, num_steps=1)
    replicas.train({1: chunks[1]})
    with pytest.raises(UsageError, match="unequal numbers of updates"):
        replicas.train(chunks)


def losses_of_the_gans() -> list[Any]:
    """Return every loss, with its function, as the GANs have them."""
    found: dict[Any, Any] = {}
    for name in (*CATALOGUE, *MADE_UP):
        training = small_gan(name).training
        found[training.discriminator_loss] = losses.DISCRIMINATOR_LOSSES[type(training.discriminator_loss)]
        found[training.generator_loss] = losses.GENERATOR_LOSSES[type(training.generator_loss)]
    return list(found.items())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_losses_of_many_are_bit_for_bit_those_of_each(dtype: str) -> None:
    draw = np.random.default_rng(1)
    for loss, function in losses_of_the_gans():
        parameters = inspect.signature(function).parameters.values()
        num_batches = sum(each.kind is each.POSITIONAL_ONLY for each in parameters) - 1
        num_scores = 2 if type(loss) in (CrossEntropyDiscriminatorLoss, CrossEntropyGeneratorLoss) else 1
        batches = [draw.uniform(0.05, 0.95, (7, 12, num_scores)).astype(dtype) for _ in range(num_batches)]
        more = [draw.uniform(0, 1, 7).astype(dtype)] if isinstance(loss, BalancedDiscriminatorLoss) else []
        together = function(loss, *(batch.copy() for batch in batches), *more, draw=losses.SIDE_BY_SIDE)
        for replica in range(7):
            alone = function(loss, *(batch[replica].copy() for batch in batches), *(own[replica] for own in more))
            for many, one in zip(together, alone, strict=True):
                assert np.asarray(many, dtype)[replica].tobytes() == np.asarray(one, dtype).tobytes(), loss
