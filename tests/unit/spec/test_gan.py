"""Whole GANs: parts that contradict each other, and what the catalogue says."""

from __future__ import annotations

import math
import re
from dataclasses import FrozenInstanceError, replace

import pytest

from gan_rosetta.shared.errors import SpecError, UsageError
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP, find_gan
from gan_rosetta.shared.spec import (
    ClassEmbedding,
    CrossEntropyGeneratorLoss,
    DistanceLoss,
    GanSpec,
    MinibatchDiscrimination,
    NormalLatent,
    Reshape,
    SineReal,
    StepPattern,
    StratifiedLatent,
    Tanh,
    UniformFanIn,
    WassersteinDiscriminatorLoss,
)
from gan_rosetta.shared.spec.feeding import labels
from gan_rosetta.shared.spec.starts import check_pairs

GAUSSIAN, SINE, LINEAR, CONV, WGAN = (
    find_gan(name) for name in ("gaussian-1d", "sine", "linear-2d", "mnist-conv", "mnist-wgan-gp")
)


def with_training(spec: GanSpec, **changes: object) -> GanSpec:
    return replace(spec, training=replace(spec.training, **changes))


def with_critic(spec: GanSpec, *layers) -> GanSpec:
    return replace(spec, discriminator=replace(spec.discriminator, layers=layers))


def minibatch() -> MinibatchDiscrimination:
    uniform = UniformFanIn()
    return MinibatchDiscrimination(
        name="minibatch",
        in_features=256,
        num_kernels=1,
        kernel_dims=1,
        self_distance=False,
        weight_init=uniform,
        bias_init=uniform,
    )


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: replace(SINE, name="Sine GAN"), "name is 'Sine GAN'; expected lower-case words joined by hyphens"),
        (lambda: replace(SINE, name="sine-"), "name is 'sine-'"),
        (lambda: replace(SINE, batch_size=0), "GanSpec 'sine': batch_size is 0"),
        (
            lambda: replace(SINE, latent=NormalLatent(shape=(4,), redraw="step")),
            "latent samples have shape (4,), generator.input_shape (5,)",
        ),
        (
            lambda: replace(SINE, real=SineReal(num_points=15)),
            "shape (16,), real samples (15,)",
        ),
        (
            lambda: with_critic(WGAN, *WGAN.discriminator.layers[:-1]),
            "the discriminator's output has shape (256,); a loss on a critic expects (1,), or a map (1, height, width) "
            "of a score for each patch",
        ),
        (lambda: with_critic(SINE, *SINE.discriminator.layers[:-1]), "ends in Sigmoid"),
        (lambda: with_critic(SINE, *SINE.discriminator.layers[:-1], Tanh()), "ends in Sigmoid"),
        (
            lambda: replace(LINEAR, pretraining=GAUSSIAN.pretraining),
            "pretraining on a density needs a discriminator from shape (1,) to shape (1,)",
        ),
        (
            lambda: with_critic(
                WGAN,
                *WGAN.discriminator.layers[:5],
                minibatch(),
                replace(WGAN.discriminator.layers[5], in_features=257),
            ),
            "it has a MinibatchDiscrimination",
        ),
        (lambda: with_training(CONV, num_steps=0), "Training: num_steps is 0"),
        (lambda: with_training(CONV, first="both"), "first is 'both'; expected one of 'discriminator', 'generator'"),
        (lambda: with_training(CONV, fake_batch="new"), "fake_batch is 'new'"),
        (lambda: with_training(CONV, latent_draws="same"), "latent_draws is 'same'"),
        (
            lambda: with_training(SINE, generator_loss=CrossEntropyGeneratorLoss(reduction="mean", real_label=1)),
            "discriminator_loss reads D's output as probability, generator_loss as logits",
        ),
        (lambda: with_training(SINE, latent_draws="separate"), "fake_batch='reused' needs latent_draws='shared'"),
        (lambda: with_training(SINE, discriminator_steps=StepPattern(period=2, offsets=(0,))), "trains in every step"),
        (lambda: with_training(SINE, generator_steps=StepPattern(period=2, offsets=(0,))), "trains in every step"),
        (
            lambda: with_training(WGAN, detach_fake=False, generator_steps=StepPattern(period=2, offsets=(0,))),
            "G has to train in every step",
        ),
        (
            lambda: with_training(GAUSSIAN, generator_steps=StepPattern(period=2, offsets=(0,), counted="epoch")),
            "steps or a learning rate are counted by epochs, and GaussianReal draws fresh samples without end",
        ),
        (
            lambda: with_training(SINE, detach_fake=False),
            "detach_fake=False changes nothing unless the discriminator is first",
        ),
        (lambda: with_training(WGAN, fake_batch="reused"), "a BatchNorm in G: say 'regenerated'"),
        (lambda: replace(GAUSSIAN.pretraining, num_steps=-1), "num_steps is -1"),
    ],
)
def test_contradictions(build, words):
    with pytest.raises(SpecError, match=re.escape(words)):
        build()


def test_a_batch_norm_needs_two_values_a_channel():
    with pytest.raises(
        SpecError, match=r"batch_size is 1, so that the BatchNorm generator\.norm2 sees one value"
    ) as caught:
        replace(WGAN, batch_size=1)
    assert caught.value.path == ("batch_size",)
    # Over the places of an image there are more, and without a BatchNorm one will do.
    assert replace(CONV, batch_size=1).batch_norm_of_one(1) is None
    assert replace(SINE, batch_size=1).batch_norm_of_one(1) is None
    assert WGAN.batch_norm_of_one(1) == "generator.norm2"
    assert WGAN.batch_norm_of_one(2) is None


def test_what_is_no_contradiction():
    assert with_training(SINE, fake_batch="regenerated", latent_draws="separate").uses_mix is False
    with_training(LINEAR, detach_fake=False)
    with_training(WGAN, fake_batch="reused", first="generator")
    replace(GAUSSIAN, latent=StratifiedLatent(low=0.0, high=1.0, jitter=0.0))
    with_critic(WGAN, *WGAN.discriminator.layers, Reshape(shape=(1, 1, 1)))


def test_specs_are_values():
    assert replace(SINE) == SINE
    assert hash(replace(SINE)) == hash(SINE)
    assert len(set(CATALOGUE.values())) == len(CATALOGUE)
    with pytest.raises(FrozenInstanceError):
        SINE.batch_size = 3


def test_with_steps():
    spec = GAUSSIAN.with_steps(pretraining=3, training=7)
    assert (spec.pretraining.num_steps, spec.training.num_steps) == (3, 7)
    assert GAUSSIAN.with_steps() == GAUSSIAN
    assert GAUSSIAN.with_steps(pretraining=0).pretraining.num_steps == 0
    assert SINE.with_steps(pretraining=3) == SINE


def test_what_couples_samples():
    coupled = {name for name, spec in CATALOGUE.items() if spec.couples_samples}
    assert coupled == {
        "gaussian-1d-minibatch",
        "gaussian-1d-adam-minibatch",
        "mnist-conv",
        "mnist-wgan-gp",
        "mnist-wgan-gp-sample",
        "wgan",
        "lsgan",
        "cgan",
        "sngan",
        "relativistic",
        "dragan",
        "ebgan",
        "began",
        "infogan",
        "wgan-gp",
        "dcgan",
        "dcgan-keras",
        "acgan",
        "sgan",
        "sagan-small",
        "context-encoder",
    }


def test_classes_are_those_of_the_real_samples():
    spec = find_gan("cgan")
    embedding = spec.generator.layers[0]
    assert isinstance(embedding, ClassEmbedding)
    assert labels(spec) == ("real_label", "label_d")
    assert labels(with_training(spec, latent_draws="separate", fake_batch="regenerated")) == (
        "real_label",
        "label_d",
        "label_g",
    )
    assert labels(SINE) == ()
    fewer = replace(spec.generator, layers=(replace(embedding, num_classes=9), *spec.generator.layers[1:]))
    with pytest.raises(SpecError, match="num_classes=9, and digits are of 10"):
        replace(spec, generator=fewer)
    widened = replace(SINE.generator, layers=(embedding, replace(SINE.generator.layers[0], in_features=15)))
    widened = replace(widened, layers=(*widened.layers, *SINE.generator.layers[1:]))
    with pytest.raises(SpecError, match="SineReal has none; expected DigitsReal"):
        replace(SINE, generator=widened)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda spec: replace(spec, latent=replace(spec.latent, num_channels=3)), r"latent samples have shape \(240,"),
        (lambda spec: replace(spec, latent=replace(spec.latent, reduced_by=3)), "reduced_by is 3, and images of 8"),
        (
            lambda spec: replace(spec, latent=replace(spec.latent, hole=3)),
            "a part of 4 of each image, and latent leaves out one of 3",
        ),
        (
            lambda spec: replace(spec, latent=NormalLatent(shape=(80,), redraw="step")),
            "a part of 4 of each image, and NormalLatent leaves none out",
        ),
        (
            lambda spec: replace(spec, real=replace(spec.real, size=9)),
            "of 1 channels and size 8, and real is of 1 and 9",
        ),
        (
            lambda spec: with_training(spec, latent_draws="separate", fake_batch="regenerated"),
            "of which there is one batch; expected latent_draws 'shared'",
        ),
        (lambda spec: replace(spec, latent=replace(spec.latent, hole=8)), "a hole of 8 leaves no place to draw"),
        (
            lambda spec: with_training(spec, distance_loss=DistanceLoss(by="absolute", weight=0.0)),
            "weight is 0.0",
        ),
        (
            lambda spec: with_training(spec, start_shown="after"),
            "expected images of one size for both, a HoledLatent with reduced_by None and real with part None",
        ),
        (
            lambda spec: replace(SINE, training=replace(SINE.training, start_shown="after")),
            "expected images of one size for both",
        ),
    ],
)
def test_holes_fit_the_images_that_they_are_in(change, message):
    with pytest.raises(SpecError, match=message):
        change(MADE_UP["holed-digits"])


def test_a_discriminator_of_pairs_is_shown_whole_images_alone():
    spec = MADE_UP["paired-digits"]
    check_pairs(spec.real, spec.latent, spec.training)
    with pytest.raises(SpecError, match="with reduced_by None"):
        check_pairs(spec.real, replace(spec.latent, reduced_by=2), spec.training)


def test_a_discriminator_of_pairs_takes_the_channels_of_both():
    spec = MADE_UP["paired-digits"]
    assert spec.shown_shape == (2, 8, 8)
    one = replace(spec.discriminator.layers[0], in_channels=1)
    alone = replace(spec.discriminator, input_shape=(1, 8, 8), layers=(one, *spec.discriminator.layers[1:]))
    with pytest.raises(SpecError, match=r"pairs of real samples and starts have shape \(2, 8, 8\)"):
        replace(spec, discriminator=alone)


def test_what_uses_mix():
    assert {name for name, spec in CATALOGUE.items() if spec.uses_mix} == {
        "mnist-wgan-gp",
        "mnist-wgan-gp-sample",
        "wgan-gp",
        "wgan-gp-conv",
        "dragan",
    }
    loss = WGAN.training.discriminator_loss
    assert isinstance(loss, WassersteinDiscriminatorLoss)
    assert not with_training(WGAN, discriminator_loss=replace(loss, penalty=None)).uses_mix


@pytest.mark.parametrize(
    ("name", "batch_size", "num_steps", "num_parameters"),
    [
        ("gaussian-1d", 12, 1200, 13 + 169),
        ("gaussian-1d-minibatch", 12, 1200, 13 + 16 + 72 + 135 + 14),
        ("gaussian-1d-adam", 8, 5001, 13 + 169),
        ("gaussian-1d-adam-minibatch", 8, 5001, 13 + 16 + 72 + 135 + 14),
        ("linear-2d", 4, 2500, 6 + 15 + 18 + 8),
        ("sine", 64, 10_000, 384 + 8320 + 2064 + 1088 + 16_640 + 257),
        (
            "mnist-wgan-gp",
            64,
            7900,
            12_928 + 33_024 + 131_584 + 525_312 + 803_600 + 2 * (256 + 512 + 1024) + 401_920 + 131_328 + 257,
        ),
    ],
)
def test_the_catalogue_has_the_published_sizes(name, batch_size, num_steps, num_parameters):
    spec = find_gan(name)
    assert (spec.batch_size, spec.training.num_steps) == (batch_size, num_steps)
    counted = sum(
        math.prod(parameter.shape)
        for network in spec.networks().values()
        for placed in network.placed
        for parameter in placed.layer.parameters().values()
    )
    assert counted == num_parameters


def test_image_sizes_of_mnist_conv():
    ups = [p.output_shape for p in CONV.generator.placed if p.layer.kind == "conv_transpose"]
    assert [shape[1] for shape in ups] == [3, 5, 11, 22, 24, 26, 28, 30, 32]
    assert [shape[0] for shape in ups] == [768, 384, 192, 96, 48, 24, 12, 6, 3]
    assert CONV.discriminator.output_shape == (1,)
    with_output = next(p for p in CONV.discriminator.placed if p.name == "output")
    assert with_output.input_shape == (768, 5, 5)


def test_an_unknown_gan_is_told_its_nearest():
    with pytest.raises(UsageError, match=r"unknown GAN 'sin': did you mean 'sine'\?"):
        find_gan("sin")
