"""The laws must fail where a backend's mathematics is wrong: faults planted in a layer, a loss and an optimizer.

A fault is a changed field of the spec that only the tested backend is built from, so that it computes something else
than the reference it is compared with, exactly as if its own code were wrong.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.compare.assertions import assert_losses_close, assert_tensors_close
from gan_rosetta.shared.conformance.frameworks import configure_once
from gan_rosetta.shared.conformance.noise import reference_probe, reference_run, run_steps
from gan_rosetta.shared.conformance.small import adversarial_chunk, seed_of, small_gan
from gan_rosetta.shared.spec import BatchNorm, GanSpec, LeakyReLU, Network
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import installed_version, load_trainer


def _with_layers(spec: GanSpec, network: str, change) -> GanSpec:
    old = getattr(spec, network)
    layers = tuple(change(layer) for layer in old.layers)
    return replace(spec, **{network: Network(input_shape=old.input_shape, layers=layers)})


def _slope(spec):
    return _with_layers(
        spec, "discriminator", lambda layer: replace(layer, slope=0.2001) if isinstance(layer, LeakyReLU) else layer
    )


def _biased_running_variance(spec):
    return _with_layers(
        spec,
        "generator",
        lambda layer: replace(layer, running_variance="biased") if isinstance(layer, BatchNorm) else layer,
    )


def _summed_loss(spec):
    loss = replace(spec.training.generator_loss, reduction="sum")
    return replace(spec, training=replace(spec.training, generator_loss=loss))


def _swapped_labels(spec):
    loss = replace(spec.training.discriminator_loss, real_label=0)
    return replace(spec, training=replace(spec.training, discriminator_loss=loss))


def _epsilon_placement(spec):
    optimizer = spec.training.generator_optimizer
    other = "hat" if optimizer.epsilon_placement == "outside" else "outside"
    changed = replace(optimizer, epsilon_placement=other)
    return replace(spec, training=replace(spec.training, generator_optimizer=changed))


def _decay_not_staircase(spec):
    optimizer = spec.training.discriminator_optimizer
    changed = replace(optimizer, learning_rate=replace(optimizer.learning_rate, staircase=False))
    return replace(spec, training=replace(spec.training, discriminator_optimizer=changed))


_FAULTS = [
    pytest.param("mnist-wgan-gp", _slope, id="layer-slope"),
    pytest.param("mnist-conv", _biased_running_variance, id="layer-running-variance"),
    pytest.param("sine", _summed_loss, id="loss-sum-for-mean"),
    pytest.param("linear-2d", _swapped_labels, id="loss-labels-swapped"),
    pytest.param("gaussian-1d-adam", _epsilon_placement, id="optimizer-epsilon-hat"),
    pytest.param("gaussian-1d", _decay_not_staircase, id="optimizer-decay-not-staircase"),
]


@pytest.mark.parametrize("backend", [pytest.param(b, marks=pytest.mark.xdist_group(f"laws-{b}")) for b in BACKENDS])
@pytest.mark.parametrize(("gan", "plant"), _FAULTS)
def test_a_planted_fault_breaks_the_law(backend, gan, plant):
    if installed_version(BACKENDS[backend]) is None:
        pytest.skip(f"{BACKENDS[backend].title} is not installed: {BACKENDS[backend].install_hint}")
    configure_once(backend)
    spec = small_gan(gan)
    trainer = load_trainer(BACKENDS[backend]).build(plant(spec), device="cpu", dtype="float64", execution="eager")
    trainer.load_state(initial_state(spec, seed=seed_of(spec)))
    losses, yardstick, final, allowed = reference_run(spec, dtype="float64", num_pretraining=0, num_steps=3)
    found, state = run_steps(trainer, spec, 0, 3)

    def check_the_law():
        for name, values in losses.items():
            assert_losses_close(found[name], values, yardstick=yardstick, name=name)
        assert_tensors_close(state, final, within=allowed)

    with pytest.raises(AssertionError, match="rounding explains"):
        check_the_law()


@pytest.mark.parametrize("quantity", ["output", "gradient", "parameter", "buffer"])
def test_the_probe_law_sees_one_wrong_entry(quantity):
    spec = small_gan("mnist-conv")
    reference, judged = reference_probe(spec, dtype="float64", phase="adversarial", first_step=0)
    wrong = {key: array.copy() for key, array in reference.items()}
    key = next(k for k in wrong if k.quantity == quantity and wrong[k].size > 1)
    flat = wrong[key].reshape(-1)
    flat[flat.size // 2] += 1e-9 * np.abs(flat).max()
    assert_tensors_close(reference, reference, **judged)
    with pytest.raises(AssertionError, match=quantity):
        assert_tensors_close(wrong, reference, **judged)


def test_the_probe_law_sees_a_permuted_tensor():
    spec = small_gan("sine")
    reference, judged = reference_probe(spec, dtype="float64", phase="adversarial", first_step=0)
    wrong = {key: array.copy() for key, array in reference.items()}
    key = next(k for k in wrong if k.quantity == "output")
    wrong[key] = wrong[key][::-1]
    with pytest.raises(AssertionError, match="output"):
        assert_tensors_close(wrong, reference, **judged)


def test_the_probe_of_a_changed_chunk_is_not_the_same():
    spec = small_gan("sine")
    reference, judged = reference_probe(spec, dtype="float64", phase="adversarial", first_step=0)
    trainer = load_trainer(BACKENDS["numpy"]).build(spec, device="cpu", dtype="float64", execution="eager")
    trainer.load_state(initial_state(spec, seed=seed_of(spec)))
    with pytest.raises(AssertionError):
        assert_tensors_close(trainer.probe(adversarial_chunk(spec, first_step=1)), reference, **judged)
