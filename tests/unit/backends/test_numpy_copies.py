"""Copies that train side by side have, bit for bit, the numbers that each has alone."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy import rounding
from gan_rosetta.backends.numpy.formulas import BIAS_GRADIENT, WEIGHT_GRADIENT
from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.gans import find_gan
from tests.unit.backends.numpy_chunks import build, make_chunk

SEEDS = (5, 6, 7)
# The minibatch layer, pretraining and a stop rule; Adam; two logits. The last two train one after the other.
GANS = ("gaussian-1d-minibatch", "gaussian-1d-adam", "linear-2d", "sine", "mnist-wgan-gp", "small mnist-conv")
NAMES = ("pretraining", "discriminator", "generator", "real_score")


def spec_of(name):
    return small_gan("mnist-conv") if name == "small mnist-conv" else find_gan(name)


def chunks_of(spec):
    if spec.pretraining is not None:
        yield make_chunk(spec, phase="pretraining", num_steps=4)
    yield make_chunk(spec, num_steps=6)


def alone(spec, dtype):
    for seed in SEEDS:
        trainer = build(spec, dtype=dtype)
        trainer.perturb(seed=seed)
        yield trainer


def assert_same(first, second):
    assert list(first) == list(second)
    for name, array in first.items():
        assert array.dtype == second[name].dtype, name
        np.testing.assert_array_equal(array, second[name], err_msg=name)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", GANS)
def test_copies_are_those_that_train_alone(name, dtype):
    spec = spec_of(name)
    copies, trainers = build(spec, dtype=dtype).perturbed_copies(seeds=SEEDS), list(alone(spec, dtype))
    for chunk in chunks_of(spec):
        for found, trainer in zip(copies.train(chunk), trainers, strict=True):
            expected = trainer.train(trainer.stage(chunk))
            for loss in NAMES:
                one, other = getattr(found, loss), getattr(expected, loss)
                assert (one is None) == (other is None)
                if one is not None:
                    assert one.dtype == other.dtype
                    np.testing.assert_array_equal(one, other, err_msg=loss)
    for state, trainer in zip(copies.states(), trainers, strict=True):
        assert_same(state, trainer.export_state())


@pytest.mark.parametrize("name", GANS)
def test_a_look_at_copies_rounds_as_alone_and_moves_nothing(name):
    spec = spec_of(name)
    trainer = build(spec)
    copies = trainer.perturbed_copies(seeds=SEEDS)
    chunk = make_chunk(spec, num_steps=2)
    copies.train(chunk)
    before = copies.export_roundings()
    latent, real = chunk.arrays["latent_d"][0], chunk.arrays["real"][0]
    looks = [(copies.generate(latent), copies.discriminate(real)) for _ in range(2)]
    np.testing.assert_array_equal(copies.export_roundings(), before)
    for index, (seed, state) in enumerate(zip(SEEDS, copies.states(), strict=True)):
        single = build(spec).perturbed_copies(seeds=(seed,))
        single.load_states([state])
        single.restore_roundings([before[index]])
        trainer.load_state(state)
        for found, expected, exact in zip(
            zip(*looks, strict=True),
            (single.generate(latent)[0], single.discriminate(real)[0]),
            (trainer.generate(latent), trainer.discriminate(real)),
            strict=True,
        ):
            for look in found:
                np.testing.assert_array_equal(look[index], expected)
            assert not np.array_equal(expected, exact)
            np.testing.assert_allclose(expected, exact, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("num_copies", [(), (3,)])
def test_sums_one_by_one_are_those_term_after_term_bit_for_bit(num_copies, dtype):
    random = np.random.default_rng(3)
    for batch in (1, 2, 9, 64, 200):
        for out_features, in_features in ((1, 1), (1, 2), (2, 1), (7, 5), (9, 40)):
            gradient_y = random.standard_normal((*num_copies, batch, out_features)).astype(dtype)
            gradient_y[..., -1] = -0.0
            # Every second entry of a longer row, too.
            for x in (random.standard_normal((*num_copies, batch, in_features, each)).astype(dtype) for each in (1, 2)):
                bias, weight = BIAS_GRADIENT[-1](gradient_y), WEIGHT_GRADIENT[-1](gradient_y, x[..., 0])
                total = np.full((*num_copies, out_features, 1 + in_features), -0.0, dtype)
                for index in range(batch):
                    own, one = gradient_y[..., index, :, np.newaxis], x[..., index, np.newaxis, :, 0]
                    total += own * np.concatenate([np.ones_like(one[..., :1]), one], axis=-1)
                assert bias.tobytes() == total[..., 0].tobytes()
                assert weight.tobytes() == total[..., 1:].tobytes()


@pytest.mark.parametrize("name", ["gaussian-1d-minibatch", "small mnist-conv"])
def test_copies_are_apart_from_each_other_and_from_the_reference(name):
    spec = spec_of(name)
    trainer = build(spec)
    copies = trainer.perturbed_copies(seeds=SEEDS)
    chunk = make_chunk(spec, num_steps=3)
    copies.train(chunk)
    trainer.train(trainer.stage(chunk))
    weights = [next(iter(state.values())) for state in (*copies.states(), trainer.export_state())]
    for index, one in enumerate(weights):
        for other in weights[:index]:
            assert not np.array_equal(one, other)


def test_arrays_larger_than_the_pool_are_disturbed_as_alone(monkeypatch):
    monkeypatch.setattr(rounding, "_POOL_SIZE", 512)
    spec = find_gan("sine")
    copies, trainers = build(spec).perturbed_copies(seeds=SEEDS), list(alone(spec, "float64"))
    chunk = make_chunk(spec, num_steps=2)
    copies.train(chunk)
    for state, trainer in zip(copies.states(), trainers, strict=True):
        trainer.train(trainer.stage(chunk))
        assert_same(state, trainer.export_state())


@pytest.mark.parametrize("name", ["sine", "mnist-wgan-gp"])
def test_copies_go_on_from_where_others_were(name):
    spec = find_gan(name)
    first, second = (build(spec).perturbed_copies(seeds=seeds) for seeds in (SEEDS, (1, 2, 3)))
    chunk = make_chunk(spec, num_steps=2)
    first.train(chunk)
    second.load_states(list(first.states()))
    second.restore_roundings(first.export_roundings())
    for copies in (first, second):
        copies.train(chunk)
    for one, other in zip(first.states(), second.states(), strict=True):
        assert_same(one, other)
