"""Codes beside the noise, D's heads that find them again, and what a step is fed for both."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.gans import MADE_UP
from gan_rosetta.shared.spec import (
    Branch,
    CategoryLatent,
    ClassLoss,
    CodeError,
    JoinedLatent,
    MovingAverage,
    NormalLatent,
    UniformLatent,
    WeightClipping,
    passes,
)
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.spec.toml_file import spec_from_toml, spec_to_toml
from gan_rosetta.shared.state import optimizers_of, state_schema

CODED = MADE_UP["coded-2d"]
HEAD = "h.category.linear_code_error"


def _with_head(layer):
    *before, heads = CODED.discriminator.layers
    score, category, code = heads.branches
    changed = Branch(name=category.name, layers=(*category.layers[:-1], layer))
    heads = replace(heads, branches=(score, changed, code))
    return replace(CODED, discriminator=replace(CODED.discriminator, layers=(*before, heads)))


def test_a_latent_s_parts_stand_one_behind_the_other_each_drawn_by_itself():
    tape = SeededTape(CODED, seed=5, digits=DigitSource.parse(None))
    latent = tape.arrays("adversarial", first_step=3, num_steps=2)["latent_d"]
    assert latent.shape == (2, CODED.batch_size, 7)
    assert (np.sort(latent[..., 2:5], axis=-1) == [0, 0, 1]).all()
    assert np.unique(np.argmax(latent[..., 2:5], axis=-1)).size > 1
    assert -1 < latent[..., 5:].min() < -0.3
    assert 0.3 < latent[..., 5:].max() < 1
    # The same step by itself, and another step's.
    np.testing.assert_array_equal(latent[1:], tape.arrays("adversarial", first_step=4, num_steps=1)["latent_d"])
    assert not (latent[0] == latent[1]).any(axis=0)[[0, 1, 5, 6]].any()
    assert list(CODED.latent.places) == [(0, 2), (2, 5), (5, 7)]


def test_each_pass_through_d_is_fed_the_latent_that_g_was_given_and_real_samples_that_of_the_fakes():
    fed = {place: one.fed[HEAD] for place, one in passes(CODED).items() if place[2] == "discriminator"}
    assert fed == {
        ("discriminator", "real", "discriminator"): "latent_d",
        ("discriminator", "fake", "discriminator"): "latent_d",
        ("generator", "fake", "discriminator"): "latent_g",
        ("joint", "fake", "discriminator"): "latent_j",
    }


def test_the_third_update_has_noise_a_loss_and_a_state_of_its_own():
    arrays = SeededTape(CODED, seed=5, digits=DigitSource.parse(None)).arrays("adversarial", first_step=0, num_steps=1)
    assert list(arrays) == ["real", "latent_d", "latent_g", "latent_j"]
    assert not any((arrays["latent_j"][..., 0] == arrays[name][..., 0]).any() for name in ("latent_d", "latent_g"))
    assert CODED.loss_names == ("pretraining", "discriminator", "generator", "joint")
    assert optimizers_of(CODED, "joint") == {"joint.generator": "generator", "joint.discriminator": "discriminator"}
    names = {tensor.tensor for tensor in state_schema(CODED).values() if tensor.name.startswith("optimizer.joint.")}
    parameters = {tensor.name for tensor in state_schema(CODED).values() if tensor.role == "parameter"}
    assert parameters <= names
    without = replace(CODED, training=_without_joint(CODED.training))
    assert optimizers_of(without, "joint") == {}
    assert step_flops(CODED) > step_flops(without)


def test_a_third_update_weighs_something_and_nothing_follows_before_it():
    training = CODED.training
    with pytest.raises(SpecError, match="joint_optimizer takes that update"):
        replace(training, joint_optimizer=None)
    with pytest.raises(SpecError, match="by of_joint; expected one above 0"):
        replace(_without_joint(training), joint_optimizer=training.joint_optimizer)
    average = MovingAverage(decay=0.9, start=0, warm_up="none", buffers="averaged")
    with pytest.raises(SpecError, match="generator_average follows a player's own update"):
        replace(training, generator_average=average)
    with pytest.raises(SpecError, match="weight_clipping follows a player's own update"):
        replace(training, weight_clipping=WeightClipping(bound=1.0))
    with pytest.raises(SpecError, match="of_joint"):
        ClassLoss(on_real=0.0, on_fake=0.0, of_generator=0.0, of_joint=-1.0)


def test_a_loss_of_no_third_update_is_left_out_of_a_file_and_of_a_digest():
    plain = replace(CODED, training=_without_joint(CODED.training))
    assert "joint" not in spec_to_toml(plain)
    assert spec_digest(plain) != spec_digest(CODED)


def _without_joint(training):
    losses = {name: replace(getattr(training, name), of_joint=0.0) for name in ("class_loss", "second_class_loss")}
    return replace(training, joint_optimizer=None, **losses)


def test_a_code_error_wants_a_part_of_the_latent_that_is_of_its_form():
    with pytest.raises(SpecError, match="a part of the JoinedLatent: 0 to 2, 2 to 5, 5 to 7"):
        _with_head(CodeError(form="cross-entropy", start=1, stop=4))
    with pytest.raises(SpecError, match="its input has shape"):
        _with_head(CodeError(form="cross-entropy", start=5, stop=7))
    with pytest.raises(SpecError, match="expected a stop above start"):
        CodeError(form="squared-error", start=4, stop=4)
    noise = NormalLatent(shape=(3,), redraw="step")
    with pytest.raises(SpecError, match="takes the cross entropy of a NormalLatent"):
        replace(CODED, latent=replace(CODED.latent, parts=(CODED.latent.parts[0], noise, CODED.latent.parts[2])))
    with pytest.raises(SpecError, match="expected a latent that is a JoinedLatent"):
        replace(CODED, latent=NormalLatent(shape=(7,), redraw="step"))


def test_real_samples_were_made_from_no_code():
    weighed = ClassLoss(on_real=1.0, on_fake=1.0, of_generator=1.0)
    with pytest.raises(SpecError, match="weighs the CodeError 'code' of real samples by"):
        replace(CODED, training=replace(CODED.training, second_class_loss=weighed))


def test_a_joined_latent_is_of_vectors_that_are_redrawn_alike():
    with pytest.raises(SpecError, match="parts is empty"):
        JoinedLatent(parts=())
    with pytest.raises(SpecError, match="of vectors"):
        JoinedLatent(parts=(NormalLatent(shape=(1, 2, 2), redraw="step"),))
    with pytest.raises(SpecError, match="a part is redrawn 'never', the first 'step'"):
        JoinedLatent(parts=(NormalLatent(shape=(1,), redraw="step"), CategoryLatent(num_categories=2, redraw="never")))
    with pytest.raises(SpecError, match="high"):
        UniformLatent(shape=(2,), low=1.0, high=1.0, redraw="step")
    with pytest.raises(SpecError, match="num_categories"):
        CategoryLatent(num_categories=0, redraw="step")


def test_a_coded_gan_survives_a_file():
    text = spec_to_toml(CODED)
    assert text.count("[[latent.parts]]") == 3
    assert spec_from_toml(text, where="a coded GAN") == CODED
    wrong = text.replace("num_categories = 3", "num_categories = 4")
    with pytest.raises(SpecError, match="latent samples have shape"):
        spec_from_toml(wrong, where="a coded GAN")
