"""Programs of a framework's own parts: proved as such, and what the parts do otherwise is found and measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.spec import Adagrad, Adam, ConstantRate, GradientDescent
from gan_rosetta.shared.translate import proof
from gan_rosetta.shared.translate.native import own_parts, with_own_parts
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.translation import translate
from tests.unit.translate.odd_gans import ODD_GANS
from tests.unit.translate.proving import run_here


@pytest.fixture
def described():
    return small_gan("gaussian-1d-adam")


def test_a_program_of_torch_s_own_adam_is_proved_and_its_difference_found(monkeypatch, described):
    pytest.importorskip("torch")
    monkeypatch.setattr(proof, "_run", run_here)
    found = translate(described, to="torch", steps=4, native=True)
    assert found.proof.verdict == "AGREE"
    assert "torch.optim.Adam(generator.parameters()" in found.text
    assert "class Adam" not in found.text
    assert [each.part.name for each in found.differences] == ["discriminator", "generator"]
    for each in found.differences:
        # The first step shows in the losses of the second, far above rounding and far below the losses.
        assert each.place.startswith("discriminator's loss at step 1")
        assert 1e-10 < each.losses < 1e-5
        assert "epsilon_placement 'outside' in place of 'hat'" in each.sentence
        assert each.sentence.split(":")[0] in " ".join(found.text.split())
    assert [each["place"] for each in found.as_data()["own_parts"]] == ["discriminator", "generator"]


def test_without_native_the_form_is_written_out_and_nothing_is_otherwise(described):
    assert "class Adam" in write_program(described, DIALECTS["torch"])


def test_each_framework_has_its_own_forms():
    def names(gan, to):
        return {part.name: set(part.fields) for part in own_parts(ODD_GANS[gan], DIALECTS[to])}

    of_torch = {
        "discriminator": {"epsilon_placement", "momentum_of"},
        "generator": {"bias_correction"},
    }
    assert names("joined-gradients", "torch") == of_torch
    assert names("joined-gradients", "jax") == {"generator": {"bias_correction"}}
    assert names("odd-norms", "flax") == {
        "generator.norm1": {"running_variance", "statistics"},
        "discriminator.norm": {"statistics"},
    }
    # G's RMSprop has no momentum, so that what it would be of is nothing.
    assert names("odd-norms", "torch")["generator"] == {"epsilon_placement"}
    for to in ("keras", "tensorflow"):
        of_keras = {"generator": {"epsilon_placement", "bias_correction", "learning_rate"}}
        assert names("joined-gradients", to) == of_keras


def test_keras_s_adagrad_is_taken_with_the_epsilon_that_it_rounds(described):
    rate = ConstantRate(value=0.1)
    optimizer = Adagrad(learning_rate=rate, initial_sum=0.1, epsilon=1e-7, epsilon_placement="outside")
    gan = replace(described, training=replace(described.training, generator_optimizer=optimizer))
    own = with_own_parts(gan, own_parts(gan, DIALECTS["keras"]))
    found = own.training.generator_optimizer
    assert (found.epsilon, found.epsilon_placement) == (float(np.float32(1e-7)), "inside")
    assert "class Adagrad" not in write_program(own, DIALECTS["keras"])
    assert "class Adagrad" in write_program(gan, DIALECTS["keras"])


@pytest.mark.parametrize("to", ["torch", "jax", "flax", "keras", "tensorflow"])
def test_a_gan_of_own_parts_has_nothing_left_to_take(to):
    for gan in ODD_GANS.values():
        own = with_own_parts(gan, own_parts(gan, DIALECTS[to]))
        assert own_parts(own, DIALECTS[to]) == []
        text = write_program(own, DIALECTS[to])
        optimizers = (own.training.discriminator_optimizer, own.training.generator_optimizer)
        if any(each.weight_decay is not None for each in optimizers):
            continue  # a decay of the weights is as described, written out where the framework has none of that kind
        if to in ("keras", "tensorflow"):
            falling = [each for each in optimizers if not isinstance(each.learning_rate, ConstantRate)]
            assert ("class Adam" in text) == any(isinstance(each, Adam) for each in falling)
            assert "class RMSprop" not in text
            continue  # their BatchNorms cancel digits, for which no description has a form
        assert "class Adam" not in text
        assert "def scale_by_adam" not in text
        assert "class BatchNorm" not in text


def test_mxnet_s_own_adam_is_taken_with_all_its_numbers_in_float32():
    gan, dialect = small_gan("gaussian-1d-adam"), DIALECTS["mxnet"]
    own = with_own_parts(gan, own_parts(gan, dialect))
    assert own_parts(own, dialect) == []
    assert own.training.generator_optimizer.beta1 == float(np.float32(0.9)) != 0.9
    text = write_program(own, dialect)
    assert "OwnAdam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8)" in text
    assert "class Adam(" not in text
    descent = GradientDescent(learning_rate=ConstantRate(value=0.1))
    plain = replace(gan, training=replace(gan.training, generator_optimizer=descent, discriminator_optimizer=descent))
    own = with_own_parts(plain, own_parts(plain, dialect))
    text = write_program(own, dialect)
    assert text.count("mx.optimizer.SGD(learning_rate=0.1)") == 2
    assert "class " not in text.partition("# Optimizers")[2]
    for odd in ODD_GANS.values():
        own = with_own_parts(odd, own_parts(odd, dialect))
        assert own_parts(own, dialect) == []
        write_program(own, dialect)
