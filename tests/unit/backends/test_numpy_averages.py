"""The moving average of G: what it follows, from when on and how far, and that samples are drawn from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.shared.conformance.small import adversarial_chunk, small_gan
from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.spec import GanSpec, MovingAverage, StepPattern
from gan_rosetta.shared.state import averaged, averaged_as, check_state, complete_state, initial_state

_STEPS = 5


def gan(**fields) -> GanSpec:
    spec = small_gan("boundary-2d")
    average = MovingAverage(**({"decay": 0.75, "start": 0, "warm_up": "none", "buffers": "averaged"} | fields))
    return replace(spec, training=replace(spec.training, generator_average=average))


def trained(spec: GanSpec, *, num_steps: int = 1, state=None) -> tuple[NumpyTrainer, list[dict[str, np.ndarray]]]:
    """A trainer after some steps, and its state after each."""
    trainer = NumpyTrainer.build(spec, device="cpu", dtype="float64", execution="eager")
    trainer.load_state(initial_state(spec, seed=3) if state is None else state)
    states = []
    for step in range(num_steps):
        trainer.train(trainer.stage(adversarial_chunk(spec, first_step=step)))
        states.append(trainer.export_state())
    return trainer, states


@pytest.mark.parametrize("start", [0, 1, 3])
@pytest.mark.parametrize("warm_up", ["none", "counted"])
@pytest.mark.parametrize("buffers", ["averaged", "copied"])
def test_it_goes_a_share_of_the_way_after_each_update(start, warm_up, buffers):
    spec = gan(start=start, warm_up=warm_up, buffers=buffers)
    _, states = trained(spec, num_steps=_STEPS)
    expected = {name: initial_state(spec, seed=3)[own] for name, own in averaged(spec).items()}
    for step, state in enumerate(states):
        decay = 0.75 if warm_up == "none" else min(0.75, (1 + step) / (10 + step))
        for name, own in averaged(spec).items():
            copies = step < start or (buffers == "copied" and name in averaged_as(spec, "buffer"))
            own_decay = 0.0 if copies else decay
            expected[name] = own_decay * expected[name] + (1 - own_decay) * state[own]
            np.testing.assert_allclose(state[name], expected[name], rtol=1e-13, atol=1e-16, err_msg=name)
            assert not copies or np.array_equal(state[name], state[own]), name
    assert not np.array_equal(states[-1]["average.generator.output.weight"], states[-1]["generator.output.weight"])


def test_it_moves_with_updates_of_g_and_not_with_steps():
    spec = gan(start=1)
    rests = replace(spec.training, generator_steps=StepPattern(period=2, offsets=(1,)), detach_fake=True)
    _, states = trained(replace(spec, training=rests), num_steps=4)
    name = "average.generator.output.weight"
    assert np.array_equal(states[0][name], initial_state(spec, seed=3)["generator.output.weight"])
    assert np.array_equal(states[1][name], states[1]["generator.output.weight"])  # the first update copies
    assert np.array_equal(states[2][name], states[1][name])
    assert not np.array_equal(states[3][name], states[3]["generator.output.weight"])


def test_samples_are_drawn_from_it():
    spec = gan()
    trainer, states = trained(spec, num_steps=3)
    latent = np.random.default_rng(0).standard_normal((4, 3))
    drawn = trainer.generate(latent)
    swapped = states[-1] | {own: states[-1][name] for name, own in averaged(spec).items()}
    plain, _ = trained(spec, num_steps=0, state=swapped)
    np.testing.assert_array_equal(plain._infer(plain._stepper.generator, latent), drawn)
    assert not np.array_equal(trainer._infer(trainer._stepper.generator, latent), drawn)
    copies = trainer.perturbed_copies(seeds=[1, 2])
    for found in copies.generate(latent):
        np.testing.assert_allclose(found, drawn, rtol=1e-12)


def test_a_copy_is_exact_in_copies_that_round():
    spec = gan(start=2)
    trainer, _ = trained(spec, num_steps=0)
    trainer.perturb(seed=5)
    for step in range(3):
        trainer.train(trainer.stage(adversarial_chunk(spec, first_step=step)))
        state = trainer.export_state()
        same = all(np.array_equal(state[name], state[own]) for name, own in averaged_as(spec, "parameter").items())
        assert same == (step < 2)


def test_a_state_without_it_begins_from_g_as_it_is():
    spec = gan()
    _, states = trained(spec, num_steps=3)
    without = {name: array for name, array in states[-1].items() if name not in averaged(spec)}
    whole = complete_state(without, spec)
    for name, own in averaged(spec).items():
        np.testing.assert_array_equal(whole[name], states[-1][own])
        assert not np.shares_memory(whole[name], whole[own])
    with pytest.raises(StateError, match=r"average\.generator"):
        check_state(without, spec)
    del states[-1]["average.generator.output.bias"]
    with pytest.raises(StateError, match=r"lacks 'average\.generator\.output\.bias'"):
        complete_state(states[-1], spec)


def test_a_mean_of_squares_in_it_is_not_negative():
    spec = gan()
    state = initial_state(spec, seed=3)
    state["average.generator.norm1.running_var"] = state["average.generator.norm1.running_var"] - 2
    with pytest.raises(StateError, match=r"below 0 in 'average\.generator\.norm1\.running_var'"):
        complete_state(state, spec)
