"""The catalogue of defaults: what each touches, and that it changes what it says and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from gan_rosetta.shared.faults.defaults import DEFAULTS, FRAMEWORKS, apply_all
from gan_rosetta.shared.faults.subjects import SUBJECTS
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP, find_gan
from gan_rosetta.shared.spec import (
    ZEROS,
    Adadelta,
    Adam,
    BatchNorm,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    Conv2d,
    ConvTranspose2d,
    GlorotUniform,
    Linear,
    MinibatchDiscrimination,
    MinimaxDiscriminatorLoss,
    NonSaturatingGeneratorLoss,
    SaturatingGeneratorLoss,
    Uniform,
)
from gan_rosetta.shared.spec.serialise import to_data
from gan_rosetta.shared.state import state_schema


def differing(first: object, second: object) -> set[str]:
    """Return the names of the fields in which two specs, as data, differ."""
    if isinstance(first, dict) and isinstance(second, dict) and first["type"] == second["type"]:
        # A field that a file need not name is left out where it has its usual value.
        names = {key for key in first | second if first.get(key) != second.get(key)}
        deeper = [differing(first.get(key), second.get(key)) for key in names]
        return set().union(*(found or {key} for key, found in zip(names, deeper, strict=True)))
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return set().union(*(differing(a, b) for a, b in zip(first, second, strict=True)))
    return set()


GANS = CATALOGUE | MADE_UP
FIELDS = {
    "adam-betas": {"beta1", "beta2"},
    "adam-epsilon": {"epsilon"},
    "adam-epsilon-placement": {"epsilon_placement"},
    "adadelta-learning-rate": {"learning_rate", "value"},
    "adadelta-rho": {"rho"},
    "adadelta-epsilon": {"epsilon"},
    "rmsprop-rho": {"rho"},
    "rmsprop-epsilon": {"epsilon"},
    "rmsprop-epsilon-placement": {"epsilon_placement"},
    "batch-norm-epsilon": {"epsilon"},
    "batch-norm-momentum": {"momentum"},
    "batch-norm-variance": {"running_variance"},
    "bce-clamp": {"log_floor", "denominator_floor", "probability_floor", "discriminator_loss", "generator_loss"},
    "initial-values": {"weight_init", "bias_init", "bound"},
    "embedding-values": {"weight_init", "standard_deviation", "mean"},
    "leaky-relu-slope": {"slope"},
    "group-norm-epsilon": {"epsilon"},
    "elu-alpha": {"alpha"},
    "gelu-form": {"form"},
}


def test_every_framework_has_every_subject_but_gluon_no_slope():
    expected = {f"{framework}:{subject}" for framework in FRAMEWORKS for subject in SUBJECTS}
    assert set(DEFAULTS) == expected - {"mxnet:leaky-relu-slope"}
    assert set(FIELDS) == set(SUBJECTS)


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_touches_some_gan(name):
    assert any(DEFAULTS[name].touches(spec) for spec in GANS.values())


@pytest.mark.parametrize("gan", GANS)
@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_changes_its_own_fields_alone(name, gan):
    default, spec = DEFAULTS[name], GANS[gan]
    changed = default.apply(spec)
    if not default.touches(spec):
        assert changed == spec
        return
    assert differing(to_data(spec), to_data(changed)) <= FIELDS[default.subject]
    assert default.apply(changed) == changed
    assert list(state_schema(changed)) == list(state_schema(spec))
    # "Same" in the table is said of the words, and of the spec: they must say the same.
    if default.subject not in ("bce-clamp", "initial-values"):
        assert SUBJECTS[default.subject].values(changed) == (default.text,)
        assert (SUBJECTS[default.subject].values(spec) == (default.text,)) == (changed == spec)


def test_torch_s_defaults_are_what_the_torch_gans_have():
    spec = find_gan("sine")
    torch = [default for default in DEFAULTS.values() if default.framework == "torch"]
    same = {default.subject for default in torch if default.apply(spec) == spec}
    assert {"adam-betas", "adam-epsilon", "adam-epsilon-placement", "initial-values"} <= same
    assert "bce-clamp" not in same


def test_every_place_is_changed():
    spec = find_gan("mnist-conv")
    for framework in FRAMEWORKS:
        changed = apply_all(framework, spec)
        layers = [*changed.generator.layers, *changed.discriminator.layers]
        norms = [layer for layer in layers if isinstance(layer, BatchNorm)]
        assert len(norms) == 17
        assert {norm.epsilon for norm in norms} == {DEFAULTS[f"{framework}:batch-norm-epsilon"].value}
        for optimizer in (changed.training.discriminator_optimizer, changed.training.generator_optimizer):
            assert isinstance(optimizer, Adadelta)
            assert optimizer.epsilon == DEFAULTS[f"{framework}:adadelta-epsilon"].value


def test_pretraining_s_optimizer_is_changed_too():
    spec = find_gan("gaussian-1d")
    assert spec.pretraining is not None
    adam = find_gan("sine").training.generator_optimizer
    spec = replace(spec, pretraining=replace(spec.pretraining, optimizer=adam))
    changed = DEFAULTS["tensorflow:adam-epsilon"].apply(spec)
    assert changed.pretraining is not None
    assert isinstance(changed.pretraining.optimizer, Adam)
    assert changed.pretraining.optimizer.epsilon == 1e-7
    assert changed.training == spec.training


def test_initial_values_are_those_of_linear_and_convolutions_alone():
    for gan, framework, weight in (
        ("gaussian-1d-minibatch", "tensorflow", GlorotUniform()),
        ("mnist-conv", "mxnet", Uniform(bound=0.07)),
    ):
        spec = find_gan(gan)
        changed = DEFAULTS[f"{framework}:initial-values"].apply(spec)
        for network in ("generator", "discriminator"):
            pairs = zip(getattr(spec, network).layers, getattr(changed, network).layers, strict=True)
            for old, new in pairs:
                if isinstance(old, Linear | Conv2d | ConvTranspose2d):
                    assert new.weight_init == weight
                    assert new.bias_init == (None if old.bias_init is None else ZEROS)
                if isinstance(old, MinibatchDiscrimination):
                    assert new == old


def test_a_clamp_takes_the_form_that_is_truest_to_it():
    spec = find_gan("gaussian-1d-minibatch")
    for framework, floors in (("torch", (-100.0, 1e-12)), ("mxnet", (math.log(1e-12), 1e-12))):
        training = DEFAULTS[f"{framework}:bce-clamp"].apply(spec).training
        for loss in (training.discriminator_loss, training.generator_loss):
            assert isinstance(loss, BinaryCrossEntropyDiscriminatorLoss | BinaryCrossEntropyGeneratorLoss)
            assert (loss.log_floor, loss.denominator_floor) == floors
            assert (loss.reduction, loss.real_label) == ("mean", 1)
    training = DEFAULTS["tensorflow:bce-clamp"].apply(find_gan("mnist-conv")).training
    assert isinstance(training.discriminator_loss, MinimaxDiscriminatorLoss)
    assert isinstance(training.generator_loss, NonSaturatingGeneratorLoss)
    assert training.discriminator_loss.probability_floor == training.generator_loss.probability_floor == 1e-7
    saturating = DEFAULTS["torch:bce-clamp"].apply(find_gan("sine")).training.generator_loss
    assert isinstance(saturating, SaturatingGeneratorLoss)
    assert saturating.probability_floor == math.exp(-100)
    assert DEFAULTS["torch:bce-clamp"].apply(find_gan("mnist-conv")) == find_gan("mnist-conv")
    assert not DEFAULTS["torch:bce-clamp"].touches(find_gan("mnist-wgan-gp"))
