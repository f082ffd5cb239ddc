"""Programs in JAX beside others: each result is rounded wherever it is computed, and nothing else is changed."""

from __future__ import annotations

import types
from functools import partial

import numpy as np
import pytest

from gan_rosetta.shared.compare.tolerance import Tolerance
from gan_rosetta.shared.traces.alignment import align
from gan_rosetta.shared.traces.files import TraceRecord
from gan_rosetta.shared.traces.rounding import Rounding
from gan_rosetta.shared.traces.trace import Trace

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

from gan_rosetta.backends.jax import rounding  # noqa: E402
from gan_rosetta.backends.jax.rounding import RandomRounding  # noqa: E402

TOLERANCE = Tolerance(num_copies=3, dtype="float64")
STEPS = 3


@pytest.fixture(autouse=True, scope="module")
def float64():
    before = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def numbers():
    generator = np.random.default_rng(5)
    return [jnp.asarray(generator.normal(size=shape)) for shape in ((4, 6), (6, 6), (6, 2), (5, 16, 4), (16, 2))]


def loss_of(params, inputs, targets, *, by_scan=True, slope=1.0):
    """A recurrent network of a layer: over its places by a scan, or written out."""

    def place(hidden, each):
        hidden = jnp.tanh(slope * (each @ params["in"] + hidden @ params["back"]))
        return hidden, hidden

    hidden = jnp.zeros((16, 6))
    if by_scan:
        hidden, _ = jax.lax.scan(place, hidden, inputs)
    else:
        for each in inputs:
            hidden, _ = place(hidden, each)
    return ((hidden @ params["out"] - targets) ** 2).mean()


# Compiled before any trace begins.
@partial(jax.jit, static_argnames=("by_scan", "slope", "rate"))
def train_step(params, inputs, targets, *, by_scan=True, slope=1.0, rate=0.1):
    loss, gradients = jax.value_and_grad(loss_of)(params, inputs, targets, by_scan=by_scan, slope=slope)
    return jax.tree.map(lambda value, gradient: value - rate * gradient, params, gradients), loss, gradients


def in_jax(trace, **options):
    """Train it; returns its parameters and what JAX's generator gives."""
    first, back, last, inputs, targets = numbers()
    params = {"in": first, "back": back, "out": last}
    for _ in range(STEPS):
        trace.step()
        params = trace.see("params", params)
        params, loss, gradients = train_step(params, inputs, targets, **options)
        trace.see("loss", loss)
        trace.see("gradient", gradients)
        # An operation that is not compiled with others.
        trace.see("norm", jnp.sqrt(jnp.sum(params["in"] ** 2)))
    return params, jax.random.normal(jax.random.key(1), (3,))


def traced(folder, program, rounding=None, **options):
    with Trace(folder, rounding=rounding) as trace:
        program(trace, **options)
    return TraceRecord.read(folder)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The first program's trace and those of its copies."""
    folder = tmp_path_factory.mktemp("jax")
    copies = [
        traced(folder / f"rounded-{seed}", in_jax, Rounding(seed=seed, coarseness=times, least_epsilon=0.0))
        for seed, times in enumerate(TOLERANCE.coarseness)
    ]
    return traced(folder / "first", in_jax), copies


def test_rounding_leaves_the_program_alone_and_ends_with_the_trace(tmp_path, original):
    with Trace(tmp_path / "plain") as trace:
        plain, drawn = in_jax(trace)
    with Trace(tmp_path / "rounded", rounding=Rounding(seed=0, coarseness=1.0, least_epsilon=0.0)) as trace:
        rounded, same = in_jax(trace)
    with Trace(tmp_path / "after") as trace:
        after, _ = in_jax(trace)
    np.testing.assert_array_equal(drawn, same)
    for name, own in plain.items():
        np.testing.assert_array_equal(own, after[name])
        assert 0 < np.abs(own - rounded[name]).max() < 1e-12
    _, copies = original
    assert all(copy.rounding["jax"] > 20 for copy in copies)


def test_the_same_mathematics_by_other_operations_agrees(tmp_path, original):
    first, copies = original
    alignment = align(first, traced(tmp_path / "second", in_jax, by_scan=False), copies, tolerance=TOLERANCE)
    assert alignment.verdict == "AGREE", alignment.sentence
    assert (alignment.checked_steps, alignment.num_compared) == (STEPS, 8 * STEPS)
    assert (
        alignment.floor
        == "the floor: 3 runs of the first program with the result of each operation of JAX rounded at random"
    )


@pytest.mark.parametrize(
    ("mistake", "place"),
    [
        ({"slope": 1 + 1e-12}, "step 0, loss"),
        ({"rate": 0.1 * (1 + 1e-10)}, "step 0, norm"),
    ],
)
def test_a_mistake_is_found_first(tmp_path, original, mistake, place):
    first, copies = original
    alignment = align(first, traced(tmp_path / "second", in_jax, **mistake), copies, tolerance=TOLERANCE)
    assert (alignment.verdict, alignment.first.place) == ("DISAGREE", place), alignment.sentence


def _custom(value):
    @jax.custom_vjp
    def cube(value):
        return value**3

    cube.defvjp(lambda value: (value**3, value), lambda value, given: (3 * value**2 * given,))
    return jax.grad(lambda value: cube(value).sum())(value)


@pytest.mark.parametrize(
    "compute",
    [
        lambda value: value / 3,
        jax.jit(lambda value: value / 3),
        jax.vmap(lambda row: row @ row),
        jax.grad(lambda value: jnp.sin(value).sum()),
        _custom,
        jax.jit(lambda value: jax.lax.fori_loop(0, 3, lambda _, each: each * 1.1, value)),
        jax.jit(lambda value: jax.lax.while_loop(lambda each: each.max() < 9, lambda each: each * 1.1, value)),
        jax.jit(lambda value: jax.lax.cond(value.sum() > 0, jnp.exp, jnp.tanh, value)),
        jax.jit(jax.checkpoint(lambda value: jnp.exp(value) * 3)),
        jax.grad(lambda value: jax.lax.conv(value[None, None], value[None, None, :2, :2], (1, 1), "SAME").sum()),
        jax.jit(lambda value: jnp.sum(value * jax.nn.softmax(value), axis=1)),
        lambda value: jax.lax.reduce_window(value, np.array(1, value.dtype), jax.lax.mul, (2, 2), (1, 1), "SAME"),
        lambda value: jnp.zeros(3, value.dtype).at[jnp.array([0, 1, 0, 2])].add(value[0]),
        jnp.cumsum,
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_results_are_rounded_wherever_they_are_computed(compute, dtype):
    value = jnp.asarray(np.random.default_rng(2).uniform(0.5, 1.5, size=(4, 4))).astype(dtype)
    exact = np.asarray(compute(value), dtype=np.float64)
    found = []
    for seed in range(2):
        with RandomRounding(seed=seed) as mode:
            assert mode.is_possible
            result = compute(value)
            assert mode.count > 0
        assert result.dtype == value.dtype
        found.append(np.asarray(result, dtype=np.float64))
    spacing = float(jnp.finfo(dtype).eps)
    assert not np.array_equal(found[0], found[1])
    for each in found:
        assert 0 < np.abs(each - exact).max() <= 64 * spacing * np.abs(exact).max()
    np.testing.assert_array_equal(np.asarray(compute(value), dtype=np.float64), exact)


@pytest.mark.parametrize(
    "compute",
    [
        lambda value: -value,
        lambda value: value.T[::-1].reshape(-1)[1:],
        lambda value: jnp.maximum(value, 0),
        jax.grad(lambda value: jax.nn.relu(value)[1, 2]),
        lambda value: jnp.sort(jnp.concatenate([value, value])).astype(jnp.float32),
        lambda value: value.argmax() + (value > 0).sum(),
        lambda value: jax.random.uniform(jax.random.key(3), value.shape),
        jax.jit(lambda value: jax.random.normal(jax.random.key(3), value.shape)),
    ],
)
def test_what_is_exact_stays(compute):
    value = jnp.asarray(np.random.default_rng(2).normal(size=(4, 4)))
    exact = compute(value)
    with RandomRounding(seed=1):
        np.testing.assert_array_equal(compute(value), exact)


def test_a_sum_moves_by_the_size_of_its_terms_and_a_bounded_function_stays_in_its_bounds():
    ones = jnp.asarray([1.0, -1.0] * 8)
    large = jnp.full(1000, 30.0)
    with RandomRounding(seed=1, coarseness=2.0):
        cancelled = [float(ones.sum()), float(ones @ jnp.ones(16))]
        bounded = np.asarray(jnp.tanh(large))
    for each in cancelled:
        assert 0 < abs(each) <= 32 * 2.0**-52
    assert (bounded <= 1).all()
    assert (bounded < 1).any()


@pytest.mark.parametrize("absent", ["name", "module", "deaf"])
def test_a_version_that_cannot_be_rounded_is_nudged(tmp_path, monkeypatch, absent):
    if absent == "name":
        monkeypatch.setattr(rounding, "_LOWER", "no_such_function")
    elif absent == "module":
        monkeypatch.setattr(rounding, "_LOWERING", "jax._src.no_such_module")
    else:
        names = ("lower_per_platform", "lower_fun", "jaxpr_subcomp")
        deaf = types.SimpleNamespace(**dict.fromkeys(names, lambda *_arguments, **_options: []))
        monkeypatch.setattr(rounding, "_lowering_module", lambda: deaf)
    copy = traced(tmp_path / "rounded", in_jax, Rounding(seed=0, coarseness=1.0, least_epsilon=0.0))
    assert copy.rounding == {**copy.rounding, "jax": 0}
    assert copy.rounding["nudged"] >= 3 * STEPS
