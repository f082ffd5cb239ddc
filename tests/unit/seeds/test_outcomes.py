"""What came out of a training: collapse, numbers that are none, and real samples that are all the same."""

from __future__ import annotations

import numpy as np

from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.training import TrainingResult
from gan_rosetta.shared.seeds.outcomes import COLLAPSED, NOT_FINITE, Outcomes, measure_outcomes
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import build_reference

SPEC = find_gan("linear-2d").with_steps(training=4)


def outcomes(*, generated: np.ndarray, real: np.ndarray, loss: float = 0.5) -> Outcomes:
    trainer = build_reference(SPEC, dtype="float64")
    trainer.load_state(initial_state(SPEC, seed=1))
    losses = {name: np.array([0.1, 0.2, 0.3, loss]) for name in ("discriminator", "generator")}
    result = TrainingResult(losses={"pretraining": np.zeros(0), **losses}, tape_digests={})
    samples = {"latent": np.zeros_like(real), "generated": generated, "real": real}
    return measure_outcomes(trainer, SPEC, result, samples, is_as_declared=True, steps_per_epoch=None)


REAL = np.random.default_rng(1).normal(size=(50, 2))


def test_a_training_that_went_well() -> None:
    found = outcomes(generated=REAL + 1, real=REAL)
    assert found.happened == {NOT_FINITE: False, COLLAPSED: False}
    np.testing.assert_allclose(found.numbers["spread of samples"], 1.0)
    assert found.numbers["generator's loss at the end"] == 0.5
    assert set(found.numbers) == set(found.units)


def test_one_sample_over_and_over_is_a_collapse() -> None:
    assert outcomes(generated=np.ones((50, 2)) + 1e-3 * REAL, real=REAL).happened[COLLAPSED]


def test_a_loss_or_a_sample_that_is_no_number_is_told() -> None:
    assert outcomes(generated=REAL, real=REAL, loss=np.nan).happened[NOT_FINITE]
    broken = REAL.copy()
    broken[3, 1] = np.inf
    assert outcomes(generated=broken, real=REAL).happened[NOT_FINITE]


def test_real_samples_that_are_all_the_same_are_no_scale() -> None:
    found = outcomes(generated=REAL, real=np.ones((50, 2)))
    assert np.isfinite(found.numbers["spread of samples"])
    assert not found.happened[COLLAPSED]


def test_nor_are_those_whose_mean_rounds() -> None:
    real = np.full((50, 2), 0.1)
    assert np.var(real, axis=0).max() > 0
    found = outcomes(generated=REAL, real=real)
    assert 0.1 < found.numbers["spread of samples"] < 10
    assert found.units["spread of samples"] == "1"
