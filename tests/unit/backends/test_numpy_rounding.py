"""Random rounding: how large it is, what it leaves alone, and that it follows its seed."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy import rounding
from gan_rosetta.backends.numpy.layers import build_network
from gan_rosetta.backends.numpy.optimizers import build_optimizer
from gan_rosetta.backends.numpy.rounding import RandomRounding, RoundingOfCopies
from gan_rosetta.shared.gans import find_gan
from tests.unit.backends.numpy_chunks import build, make_chunk, slices


def _run(name, *, seed, dtype="float64", num_steps=5, one_by_one=False):
    spec = find_gan(name)
    trainer = build(spec, dtype=dtype)
    if seed is not None:
        trainer.perturb(seed=seed)
    chunk = make_chunk(spec, num_steps=num_steps)
    for part in slices(chunk) if one_by_one else [chunk]:
        trainer.train(trainer.stage(part))
    return trainer


def _distance(first, second):
    one, other = first.export_state(), second.export_state()
    return max(float(np.max(np.abs(one[name] - other[name]))) for name in one if name.startswith("generator"))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_each_number_moves_by_at_most_the_spacing_and_on_average_not_at_all(dtype):
    epsilon = np.finfo(dtype).eps
    for value in (1.0, 1.3, 1.9, -1.0, -1.5):
        array = np.full(200_000, value, dtype)
        RandomRounding(seed=0, dtype=dtype).disturb(array)
        assert array.dtype == dtype
        relative = (array - np.dtype(dtype).type(value)).astype(np.float64) / (value * epsilon)
        assert np.abs(relative).max() <= 1.5
        assert abs(relative.mean()) < 0.01
        assert 0.25 < np.mean(relative**2) < 0.5


def test_a_long_sum_moves_as_its_additions_would():
    source = RandomRounding(seed=0, dtype="float64")
    one_by_one, at_once = np.zeros(2000), np.full(2000, 300.0)
    for _ in range(300):
        one_by_one += 1.0
        source.disturb(one_by_one)
    source.disturb(at_once, num_terms=300)
    np.testing.assert_allclose(np.std(at_once), np.std(one_by_one), rtol=0.2)


def test_ranges_zeros_and_what_is_not_finite_are_kept():
    source = RandomRounding(seed=1, dtype="float64")
    for low, high, value in ((0.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (-1.0, 1.0, -1.0)):
        array = np.full(1000, value)
        source.disturb(array, within=(low, high))
        assert array.min() >= low
        assert array.max() <= high
        assert np.any(array != value)
    array = np.array([0.0, np.inf, -np.inf, np.nan])
    with np.errstate(all="ignore"):
        source.disturb(array)
        assert source.disturbed(np.float64(np.inf)) == np.inf
    np.testing.assert_array_equal(array, [0.0, np.inf, -np.inf, np.nan])


def test_large_and_transposed_arrays_are_disturbed_everywhere(monkeypatch):
    monkeypatch.setattr(rounding, "_POOL_SIZE", 64)
    source = RandomRounding(seed=1, dtype="float64")
    for array in (np.ones(1001), np.ones((7, 30, 11)).transpose(1, 0, 2)):
        source.disturb(array)
        assert np.mean(array != 1.0) > 0.5
        assert np.all(np.abs(array - 1.0) <= 1e-15)


def test_the_pool_is_drawn_anew(monkeypatch):
    monkeypatch.setattr(rounding, "_POOL_SIZE", 64)
    monkeypatch.setattr(rounding, "_POOL_LIFETIME", 128)
    monkeypatch.setattr(rounding, "_NUM_OFFSETS", 5)
    source = RandomRounding(seed=1, dtype="float64")
    pools = set()
    for _ in range(40):
        source.disturb(np.ones(64))
        pools.add(source._pool.tobytes())
    assert 10 < len(pools) <= 20


@pytest.mark.parametrize(("name", "num_steps"), [("gaussian-1d-minibatch", 5), ("sine", 5), ("mnist-wgan-gp", 2)])
def test_a_disturbed_run_follows_its_seed_and_stays_near(name, num_steps):
    undisturbed = _run(name, seed=None, num_steps=num_steps)
    disturbed = _run(name, seed=3, num_steps=num_steps)
    assert _distance(disturbed, _run(name, seed=3, num_steps=num_steps, one_by_one=True)) == 0
    assert 0 < _distance(disturbed, undisturbed) < 1e-4
    if name == "sine":
        assert _distance(disturbed, _run(name, seed=4)) > 0
        assert _distance(undisturbed, _run(name, seed=None)) == 0


def test_single_precision_is_disturbed_in_single_precision():
    near = _distance(_run("sine", seed=3, dtype="float32"), _run("sine", seed=None, dtype="float32"))
    assert 1e-9 < near < 1e-3


def test_a_disturbed_probe_shows_the_step_that_train_takes_and_leaves_the_sequence_alone():
    spec = find_gan("sine")
    trainer, other = _run("sine", seed=3), _run("sine", seed=3)
    chunk = make_chunk(spec)
    probe = trainer.probe(chunk)
    trainer.generate(chunk.arrays["latent_d"][0])
    for each in (trainer, other):
        each.train(each.stage(chunk))
    assert _distance(trainer, other) == 0
    state = trainer.export_state()
    for key, value in probe.items():
        if key.quantity == "parameter":
            np.testing.assert_array_equal(value, state[key.name])


def test_every_kind_of_quantity_is_disturbed():
    spec = find_gan("mnist-wgan-gp")
    trainer = build(spec)
    chunk = make_chunk(spec)
    plain = trainer.probe(chunk)
    trainer.perturb(seed=0)
    disturbed = trainer.probe(chunk)
    assert list(disturbed) == list(plain)
    for key, value in plain.items():
        first_reshape = key.name == "discriminator.input_reshape" and key.stream == "real"
        if key.quantity == "counter" or first_reshape:
            np.testing.assert_array_equal(disturbed[key], value)
        elif value.size > 1 and np.any(value):
            assert not np.array_equal(disturbed[key], value), key


@pytest.mark.parametrize(
    ("dtype", "counter", "least", "most"), [("float64", 0, 0, 2), ("float64", 7, 20, 80), ("float32", 7, 0, 2)]
)
def test_a_step_of_adam_moves_as_the_powers_of_its_decay_rates_do(dtype, counter, least, most):
    spec = find_gan("gaussian-1d-adam")
    network = build_network(spec.generator, name="generator", dtype=dtype)
    optimizer = build_optimizer(spec.training.generator_optimizer, network)
    steps = []
    for seed in range(60):
        network.parameters.flat[:] = 0.0  # so that a step is rounded by itself alone
        network.gradients.flat[:] = 1.0
        for tensors in optimizer.slots.values():
            tensors.flat[:] = 1.0
        optimizer.counter = counter
        optimizer.update_with_rounding(RandomRounding(seed=seed, dtype=dtype))
        steps.append(network.parameters.flat.astype(np.float64))
    relative = np.array(steps) / np.mean(steps)
    moved = relative.mean(axis=1).std() / np.finfo(dtype).eps
    assert least <= moved < most
    if least:
        assert relative.std(axis=1).max() < 4 * np.finfo(dtype).eps  # all of it alike


@pytest.mark.parametrize("num_calls", [0, 5, 4096, 5000])
def test_rounding_goes_on_from_where_another_was(num_calls):
    first = RandomRounding(seed=3, dtype="float64")
    for _ in range(num_calls):
        first.disturb(np.ones(4096))
    second = RandomRounding(seed=4, dtype="float64")
    second.restore(first.export())
    for size in (7, 100_000, 1 << 20, 3):
        for _ in range(20):
            one, other = np.ones(size), np.ones(size)
            first.disturb(one)
            second.disturb(other)
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("wrong", [np.zeros(19, np.uint64), np.zeros(20), np.full(20, 5000, np.uint64)])
def test_what_is_no_rounding_is_refused(wrong):
    with pytest.raises(ValueError, match="a rounding"):
        RandomRounding(seed=3, dtype="float64").restore(wrong)


def test_a_look_that_empties_the_pool_leaves_the_copies_theirs(monkeypatch):
    # So small that a look draws its pool anew; of both, a copy alone and copies side by side.
    monkeypatch.setattr(rounding, "_POOL_LIFETIME", 1000)
    alone, untouched = (RandomRounding(seed=4, dtype="float64") for _ in range(2))
    together = RoundingOfCopies([RandomRounding(seed=seed, dtype="float64") for seed in (4, 5)])
    for _ in range(2):
        for look in (alone.aside(), together.aside()):
            first, again = np.ones((2, 600)), np.ones((2, 600))
            look.disturb(first)
            look.disturb(again)
            assert not np.array_equal(first, again)
    expected, found, both = np.ones(600), np.ones(600), np.ones((2, 600))
    untouched.disturb(expected)
    alone.disturb(found)
    together.disturb(both)
    assert np.array_equal(found, expected)
    assert np.array_equal(both[0], expected)


def test_roundings_that_begin_alike_have_one_pool_and_none_writes_to_it(monkeypatch):
    monkeypatch.setattr(rounding, "_POOL_SIZE", 64)
    monkeypatch.setattr(rounding, "_POOL_LIFETIME", 128)
    first, second = (RandomRounding(seed=1, dtype="float64") for _ in range(2))
    assert first._pool is second._pool
    monkeypatch.setattr(rounding, "_first_pools", {})
    alone = RandomRounding(seed=1, dtype="float64")
    assert alone._pool is not first._pool
    for _ in range(40):  # The pool is drawn anew many times.
        np.testing.assert_array_equal(first.export(), alone.export())
        expected = disturbed_ones(alone)
        np.testing.assert_array_equal(disturbed_ones(first), expected)
        np.testing.assert_array_equal(disturbed_ones(second), expected)
    assert first._pool is not second._pool


def test_a_branch_goes_on_as_its_source_does_and_leaves_it_where_it_is(monkeypatch):
    monkeypatch.setattr(rounding, "_POOL_SIZE", 64)
    monkeypatch.setattr(rounding, "_POOL_LIFETIME", 128)
    monkeypatch.setattr(rounding, "_NUM_OFFSETS", 5)
    source = RandomRounding(seed=1, dtype="float64")
    for num_taken in range(12):  # From before and after it has drawn a pool of its own.
        before = source.export()
        branch = source.branch()
        taken = [disturbed_ones(branch) for _ in range(10)]
        np.testing.assert_array_equal(source.export(), before)
        again = source.branch()
        np.testing.assert_array_equal([disturbed_ones(again) for _ in range(10)], taken)
        np.testing.assert_array_equal(disturbed_ones(source), taken[0], err_msg=f"after {num_taken}")


def disturbed_ones(source: RandomRounding) -> np.ndarray:
    array = np.ones(40)
    source.disturb(array)
    return array
