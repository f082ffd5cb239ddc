from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gan_rosetta.backends.torch.losses import GENERATOR_LOSSES  # noqa: E402
from gan_rosetta.backends.torch.trainer import TorchTrainer  # noqa: E402
from gan_rosetta.shared.errors import UnsupportedLayer, UsageError  # noqa: E402
from gan_rosetta.shared.gans import find_gan  # noqa: E402
from gan_rosetta.shared.interface import Chunk  # noqa: E402
from gan_rosetta.shared.spec import CrossEntropyGeneratorLoss, StepPattern  # noqa: E402
from gan_rosetta.shared.state import initial_state  # noqa: E402

SPEC = find_gan("linear-2d")


def build(execution, spec=SPEC, dtype="float64"):
    trainer = TorchTrainer.build(spec, device="cpu", dtype=dtype, execution=execution)
    trainer.load_state(initial_state(spec, seed=1))
    return trainer


def chunk(first_step, num_steps, *, batch_size=4, trains=True, scale=1.0):
    drawn = np.random.default_rng(7).normal(size=(2, 20, batch_size, 2))[:, first_step : first_step + num_steps]
    arrays = {"real": scale * drawn[0], "latent_d": drawn[1]}
    return Chunk(
        phase="adversarial",
        first_step=first_step,
        arrays=arrays,
        trains_discriminator=np.full(num_steps, trains),
        trains_generator=np.ones(num_steps, dtype=bool),
    )


@pytest.fixture(scope="module")
def compiled():
    return build("compiled")


def test_compiled_steps_are_the_eager_ones_whatever_the_chunk(compiled):
    eager = build("eager")
    compiled.load_state(initial_state(SPEC, seed=1))
    expected = eager.train(eager.stage(chunk(0, 14)))
    # One block unrolled and one of a single step serve every length.
    found = [compiled.train(compiled.stage(chunk(first, size))) for first, size in ((0, 9), (9, 1), (10, 4))]
    for name in ("discriminator", "generator"):
        losses = np.concatenate([getattr(losses, name) for losses in found])
        np.testing.assert_allclose(losses, getattr(expected, name), rtol=1e-12)
    assert sorted(len(pattern) for _, _, pattern in compiled.compiled.blocks) == [1, 2]
    assert compiled.export_state()["optimizer.discriminator.step"] == 14


def test_float32_unrolls_more_steps():
    exact, eager, unrolled = build("eager"), build("eager", dtype="float32"), build("compiled", dtype="float32")
    expected, rounded, found = (trainer.train(trainer.stage(chunk(0, 4))) for trainer in (exact, eager, unrolled))
    for name in ("discriminator", "generator"):
        # Adam's first updates divide rounding by gradients near 0: how far that goes shows in the eager losses.
        noise = np.abs(getattr(rounded, name) - getattr(expected, name)).max()
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=0, atol=8 * noise)
    assert [len(pattern) for _, _, pattern in unrolled.compiled.blocks] == [4]


def test_compiled_steps_let_infinities_and_nan_through(compiled):
    eager = build("eager")
    compiled.load_state(initial_state(SPEC, seed=1))
    bad = chunk(0, 4, scale=np.inf)
    expected, found = eager.train(eager.stage(bad)), compiled.train(compiled.stage(bad))
    np.testing.assert_array_equal(np.isnan(found.discriminator), np.isnan(expected.discriminator))
    assert np.isnan(found.discriminator).any()


def test_compiling_writes_nothing_into_the_working_folder(compiled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    compiled.train(compiled.stage(chunk(0, 1, batch_size=2)))
    assert not list(tmp_path.iterdir())


def test_probe_of_a_compiled_trainer_is_the_eager_probe(compiled):
    state = initial_state(SPEC, seed=1)
    compiled.load_state(state)
    eager_probe, compiled_probe = build("eager").probe(chunk(0, 1)), compiled.probe(chunk(0, 1))
    assert list(eager_probe) == list(compiled_probe)
    for key, value in eager_probe.items():
        np.testing.assert_array_equal(compiled_probe[key], value)


def test_the_gradient_that_reaches_g_through_d_s_loss_is_added():
    training = replace(SPEC.training, fake_batch="regenerated")
    detached = build("eager", replace(SPEC, training=training))
    attached = build("eager", replace(SPEC, training=replace(training, detach_fake=False)))
    key = ("generator", "gradient", "", "generator.output.weight")
    difference = attached.probe(chunk(0, 1))[key] - detached.probe(chunk(0, 1))[key]
    assert np.abs(difference).max() > 1e-6


def test_steps_without_the_discriminator_leave_its_counter():
    training = replace(SPEC.training, fake_batch="regenerated", discriminator_steps=StepPattern(period=2, offsets=(1,)))
    trainer = build("eager", replace(SPEC, training=training))
    losses = trainer.train(trainer.stage(chunk(0, 3, trains=False)))
    assert np.isnan(losses.discriminator).all()
    state = trainer.export_state()
    assert (state["optimizer.discriminator.step"], state["optimizer.generator.step"]) == (0, 3)


def test_what_cannot_be_built_is_refused():
    with pytest.raises(UsageError, match="no device 'tpu'"):
        TorchTrainer.build(SPEC, device="tpu", dtype="float64", execution="eager")
    with pytest.raises(UsageError, match="float16"):
        TorchTrainer.build(SPEC, device="cpu", dtype="float16", execution="eager")
    with pytest.raises(UsageError, match="fast"):
        TorchTrainer.build(SPEC, device="cpu", dtype="float64", execution="fast")


def test_a_loss_without_a_function_is_refused_by_name(monkeypatch):
    monkeypatch.delitem(GENERATOR_LOSSES, CrossEntropyGeneratorLoss)
    with pytest.raises(UnsupportedLayer, match="CrossEntropyGeneratorLoss"):
        build("eager")


def test_probe_takes_one_step():
    with pytest.raises(UsageError, match="2"):
        build("eager").probe(chunk(0, 2))
