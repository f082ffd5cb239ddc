"""Programs in PyTorch beside others: each result is rounded at random, and nothing else of the program is changed."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.compare.tolerance import Tolerance
from gan_rosetta.shared.traces.alignment import align
from gan_rosetta.shared.traces.files import TraceRecord
from gan_rosetta.shared.traces.rounding import Rounding
from gan_rosetta.shared.traces.trace import Trace

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

TOLERANCE = Tolerance(num_copies=3, dtype="float64")
STEPS = 3


def numbers():
    generator = np.random.default_rng(5)
    return [generator.normal(size=shape) for shape in ((4, 6), (6,), (6, 2), (2,), (16, 4), (16, 2))]


def in_torch(trace, *, watch=True, **adam):
    """Train a small network; returns its parameters and what torch's generator gives then."""
    torch.manual_seed(1)
    first, shift, second, other_shift, inputs, targets = (torch.tensor(array) for array in numbers())
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2)).double()
    with torch.no_grad():
        for parameter, value in zip((model[0], model[3]), ((first, shift), (second, other_shift)), strict=True):
            parameter.weight.copy_(value[0].T)
            parameter.bias.copy_(value[1])
    optimizer = torch.optim.Adam(model.parameters(), **{"lr": 0.01, **adam})
    if watch:
        trace.watch("model", model, optimizer=optimizer)
    for _ in range(STEPS):
        trace.step()
        loss = ((model(inputs) - targets) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        trace.see("loss", loss)
    return [parameter.detach().clone() for parameter in model.parameters()], torch.rand(2)


def traced(folder, program, rounding=None, **options):
    with Trace(folder, rounding=rounding) as trace:
        program(trace, **options)
    return TraceRecord.read(folder)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """The first program's trace and those of its copies."""
    folder = tmp_path_factory.mktemp("torch")
    copies = [
        traced(folder / f"rounded-{seed}", in_torch, Rounding(seed=seed, coarseness=times, least_epsilon=0.0))
        for seed, times in enumerate(TOLERANCE.coarseness)
    ]
    return traced(folder / "first", in_torch), copies


def test_watching_and_rounding_leave_the_program_alone(tmp_path):
    with Trace(tmp_path / "watched") as trace:
        watched, drawn = in_torch(trace)
    with Trace(tmp_path / "unwatched") as trace:
        unwatched, again = in_torch(trace, watch=False)
    with Trace(tmp_path / "rounded", rounding=Rounding(seed=0, coarseness=1.0, least_epsilon=0.0)) as trace:
        rounded, still = in_torch(trace)
    assert torch.equal(drawn, again)
    assert torch.equal(drawn, still)
    for own, other, moved in zip(watched, unwatched, rounded, strict=True):
        assert torch.equal(own, other)
        assert torch.allclose(own, moved, rtol=1e-6, atol=1e-6)
    assert not all(torch.equal(own, moved) for own, moved in zip(watched, rounded, strict=True))


def test_a_right_program_in_numpy_agrees(tmp_path, original):
    def in_numpy(trace):
        weight, shift, second, other_shift, inputs, targets = numbers()
        trace.step()
        hidden = inputs @ weight + shift
        normal = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + 1e-5)
        output = np.maximum(normal, 0) @ second + other_shift
        trace.see("loss", ((output - targets) ** 2).mean())

    first, copies = original
    alignment = align(first, traced(tmp_path / "second", in_numpy), copies, tolerance=TOLERANCE)
    assert alignment.reason == "the first program recorded 3 steps, the second 1"
    assert alignment.num_compared == 1
    assert "the result of each operation of torch rounded at random" in alignment.floor


def test_the_same_mathematics_by_other_operations_agrees(tmp_path, original):
    first, copies = original
    second = traced(tmp_path / "second", in_torch, foreach=True)
    alignment = align(first, second, copies, tolerance=TOLERANCE)
    assert alignment.verdict == "AGREE", alignment.sentence
    assert alignment.checked_steps == STEPS
    kinds = {quantity.kind for quantity in first.steps[0]}
    assert {"input", "output", "output of linear", "output of batch_norm", "gradient", "parameter", "slot m"} <= kinds


@pytest.mark.parametrize(
    ("mistake", "place"),
    [
        ({"eps": 1e-7}, "step 0, parameter, model.0.weight"),
        ({"betas": (0.9, 0.99)}, "step 0, slot v, model.0.weight"),
        ({"lr": 0.01 * (1 + 1e-3)}, "step 0, parameter, model.0.weight"),
    ],
)
def test_a_mistake_is_found_first(tmp_path, original, mistake, place):
    first, copies = original
    alignment = align(first, traced(tmp_path / "second", in_torch, **mistake), copies, tolerance=TOLERANCE)
    assert alignment.verdict == "DISAGREE"
    assert alignment.first.place == place, alignment.sentence


def test_a_keras_program_is_paired_by_order_kind_and_shape(tmp_path, original):
    keras = pytest.importorskip("keras")
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras runs on another framework here")

    def in_keras(trace, *, epsilon=1e-5):
        weight, shift, second, other_shift, inputs, targets = (tf.constant(array) for array in numbers())
        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((4,), dtype="float64"),
                layers.Dense(6, dtype="float64"),
                layers.BatchNormalization(epsilon=epsilon, momentum=0.9, dtype="float64"),
                layers.ReLU(dtype="float64"),
                layers.Dense(2, dtype="float64"),
            ]
        )
        model.layers[0].set_weights([weight, shift])
        model.layers[3].set_weights([second, other_shift])
        trace.watch("model", model)
        trace.step()
        trace.see("loss", tf.reduce_mean((model(inputs, training=True) - targets) ** 2))

    first, copies = original
    right = align(first, traced(tmp_path / "right", in_keras), copies, tolerance=TOLERANCE)
    assert right.reason == "the first program recorded 3 steps, the second 1", right.sentence
    # What goes in and comes out, four layers' outputs, and the loss.
    assert right.num_compared == 7
    assert right.notes[-2].startswith("paired by order and shape: output of linear, model.0 with output of linear")
    wrong = align(first, traced(tmp_path / "wrong", in_keras, epsilon=1e-3), copies, tolerance=TOLERANCE)
    assert wrong.first.quantity == "output of batch_norm", wrong.sentence
