from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from gan_rosetta.backends.tensorflow import compiled  # noqa: E402
from gan_rosetta.backends.tensorflow.replicas import TensorflowReplicas  # noqa: E402
from gan_rosetta.backends.tensorflow.trainer import TensorflowTrainer  # noqa: E402
from gan_rosetta.shared.errors import UnsupportedLayer  # noqa: E402
from gan_rosetta.shared.gans import find_gan  # noqa: E402
from gan_rosetta.shared.interface import Chunk  # noqa: E402
from gan_rosetta.shared.spec import GlobalPool, Network, Pool2d, Reshape, StepPattern  # noqa: E402
from gan_rosetta.shared.state import initial_state  # noqa: E402

SPEC = find_gan("gaussian-1d")
SOMETIMES = replace(SPEC, training=replace(SPEC.training, discriminator_steps=StepPattern(period=3, offsets=(1,))))


def make_chunk(spec, *, num_steps, batch_size=4):
    generator = np.random.default_rng(num_steps)
    arrays = {name: generator.normal(size=(num_steps, batch_size, 1)) for name in ("real", "latent_d", "latent_g")}
    pattern = spec.training.discriminator_steps
    trains = np.array([pattern.includes(step) for step in range(num_steps)])
    return Chunk(
        phase="adversarial",
        first_step=0,
        arrays=arrays,
        trains_discriminator=trains,
        trains_generator=np.ones(num_steps, dtype=bool),
    )


def train(spec, chunks, *, execution):
    trainer = TensorflowTrainer.build(spec, device="cpu", dtype="float64", execution=execution)
    trainer.load_state(initial_state(spec, seed=1))
    losses = [trainer.train(trainer.stage(chunk)) for chunk in chunks]
    return losses, trainer.export_state()


@pytest.mark.parametrize("spec", [SPEC, SOMETIMES])
def test_chunks_of_any_length_run_the_same_compiled_code(spec, monkeypatch):
    traces = []
    original = compiled.CompiledLoop._adversarial_loop

    def counted(self, *arguments):
        traces.append(arguments)
        return original(self, *arguments)

    monkeypatch.setattr(compiled.CompiledLoop, "_adversarial_loop", counted)
    chunks = [make_chunk(spec, num_steps=num_steps) for num_steps in (5, 1, 2)]
    losses, state = train(spec, chunks, execution="compiled")
    expected_losses, expected_state = train(spec, chunks, execution="eager")
    assert len(traces) == 1
    for found, expected in zip(losses, expected_losses, strict=True):
        np.testing.assert_allclose(found.discriminator, expected.discriminator, rtol=1e-13)
        np.testing.assert_allclose(found.generator, expected.generator, rtol=1e-13)
    for name, expected_tensor in expected_state.items():
        np.testing.assert_allclose(state[name], expected_tensor, rtol=1e-12, atol=1e-14, err_msg=name)


def test_a_chunk_longer_than_a_block_runs_as_several(monkeypatch):
    monkeypatch.setattr(compiled, "_MAXIMUM_STEPS", 4)
    chunk = make_chunk(SOMETIMES, num_steps=10)
    (found,), state = train(SOMETIMES, [chunk], execution="compiled")
    (expected,), expected_state = train(SOMETIMES, [chunk], execution="eager")
    np.testing.assert_allclose(found.discriminator, expected.discriminator, rtol=1e-13)
    np.testing.assert_allclose(found.generator, expected.generator, rtol=1e-13)
    assert state["optimizer.discriminator.step"] == expected_state["optimizer.discriminator.step"] == 3


@pytest.mark.parametrize(
    "pool",
    [(GlobalPool(mode="maximum"),), (Pool2d(kernel_size=2, stride=1, mode="maximum"), Reshape(shape=(2,)))],
)
def test_the_largest_number_of_a_pool_without_convolutions_compiles(pool):
    first, *_, last, end = SPEC.discriminator.layers
    layers = (first, Reshape(shape=(2, 2, 2)), *pool, replace(last, in_features=2), end)
    spec = replace(SPEC, discriminator=Network(input_shape=(1,), layers=layers), pretraining=None)
    chunks = [make_chunk(spec, num_steps=3)]
    (eager,), state = train(spec, chunks, execution="eager")
    (found,), compiled_state = train(spec, chunks, execution="compiled")
    np.testing.assert_allclose(found.generator, eager.generator, rtol=1e-12)
    for name, array in state.items():
        np.testing.assert_allclose(compiled_state[name], array, rtol=1e-10, atol=1e-14, err_msg=name)


def test_replicas_of_a_gan_with_convolutions_are_refused():
    with pytest.raises(UnsupportedLayer, match="no replicas of a GAN with convolutions"):
        TensorflowReplicas.build(find_gan("mnist-conv"), num_replicas=2, device="cpu", dtype="float32")
