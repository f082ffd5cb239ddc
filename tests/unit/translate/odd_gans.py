"""GANs that between them have every form that a dialect writes in its own way, in sizes that a test can afford."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.gans import MADE_UP, find_gan
from gan_rosetta.shared.gans.affordable import narrowed
from gan_rosetta.shared.spec import (
    Adadelta,
    Adam,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    Branch,
    Branches,
    ConstantRate,
    GanSpec,
    LeakyReLU,
    Linear,
    MovingAverage,
    Network,
    Normal,
    Recall,
    ReLU,
    Sigmoid,
    StepPattern,
    Tanh,
    UniformFanIn,
    WeightDecay,
)
from tests.unit.translate.odd_images import branched_images, odd_norms, odd_spectra, penalised_images
from tests.unit.translate.odd_optimizers import DECAY, rmsprop


def joined_gradients() -> GanSpec:
    """Pretraining by Adadelta, D's loss reaching G too, D in two of three steps, RMSprop and Adam in odd forms."""
    spec = small_gan("gaussian-1d-minibatch")
    training = replace(
        spec.training,
        detach_fake=False,
        discriminator_steps=StepPattern(period=3, offsets=(0, 2)),
        discriminator_optimizer=rmsprop(placement="inside", centered=True, momentum=0.5, of="step"),
        generator_optimizer=Adam(
            learning_rate=ConstantRate(value=0.01),
            beta1=0.5,
            beta2=0.9,
            epsilon=1e-6,
            epsilon_placement="outside",
            bias_correction=False,
        ),
        discriminator_loss=BinaryCrossEntropyDiscriminatorLoss(
            log_floor=-50.0, denominator_floor=1e-9, reduction="sum", real_label=0
        ),
        generator_loss=BinaryCrossEntropyGeneratorLoss(
            log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=0
        ),
    )
    optimizer = Adadelta(learning_rate=DECAY, rho=0.9, epsilon=1e-6)
    pretraining = replace(spec.pretraining, optimizer=optimizer, num_steps=3)
    return replace(spec, name="joined-gradients", training=training, pretraining=pretraining)


def reserved_names() -> GanSpec:
    """linear-2d, whose layers have names that Python and the frameworks have too."""
    spec = small_gan("linear-2d")
    names = iter(("train", "lambda", "x", "parameters", "float", "self", "forward", "None".lower()))

    def renamed(network: Network) -> Network:
        layers = (replace(layer, name=next(names)) if isinstance(layer, Linear) else layer for layer in network.layers)
        return replace(network, layers=tuple(layers))

    networks = {name: renamed(network) for name, network in spec.networks().items()}
    return replace(spec, name="reserved-names", **networks)


def reused_gradients() -> GanSpec:
    """sine with D first, on one batch for both updates, through which D's loss reaches G; D recalls its input."""
    spec = small_gan("sine")
    average = MovingAverage(decay=0.9, start=0, warm_up="none", buffers="copied")
    training = replace(spec.training, first="discriminator", detach_fake=False, stop=None, generator_average=average)
    first = Linear(
        name="first", in_features=5, out_features=5, weight_init=Normal(standard_deviation=1.0), bias_init=None
    )
    generator = replace(spec.generator, layers=(first, ReLU(), *spec.generator.layers))
    hidden, *others = spec.discriminator.layers
    width = hidden.output_shape(spec.discriminator.input_shape)[0]
    of_input = (
        Recall(of=None, parts=((9, 11), (0, 2))),
        Linear(name="linear", in_features=4, out_features=width, weight_init=UniformFanIn(), bias_init=None),
    )
    again = Recall(of="block.recalled.linear", parts=((width // 2, width), (0, width // 2)))
    ways = (Branch(name="main"), Branch(name="recalled", layers=of_input), Branch(name="again", layers=(again,)))
    layers = (hidden, Branches(name="block", join="add", branches=ways), *others)
    networks = {"generator": generator, "discriminator": replace(spec.discriminator, layers=layers)}
    return replace(spec, name="reused-gradients", batch_size=8, training=training, **networks)


def both_always() -> GanSpec:
    """cgan with a sixteenth of its inner features, where each update has noise and classes of its own."""
    spec = narrowed(find_gan("cgan"), 16)
    training = replace(spec.training, fake_batch="regenerated", latent_draws="separate")
    return replace(spec, name="both-always", batch_size=4, training=training)


def branched() -> GanSpec:
    """smooth-2d, whose D follows a gradient penalty alone, through branches of every join, one in another."""
    spec = MADE_UP["smooth-2d"]
    loss: Any = spec.training.discriminator_loss
    alone = replace(loss, penalty=replace(loss.penalty, alone=True))

    def linear(name: str, inputs: int, outputs: int) -> Linear:
        start = UniformFanIn()
        return Linear(name=name, in_features=inputs, out_features=outputs, weight_init=start, bias_init=start)

    gate = Branches(
        name="gate",
        join="multiply",
        branches=(
            Branch(name="values", layers=(linear("linear", 3, 4),)),
            Branch(name="gates", layers=(linear("linear", 3, 4), Sigmoid())),
        ),
    )
    discriminator = (
        linear("hidden1", 2, 6),
        LeakyReLU(slope=0.2),
        Branches(
            name="train",
            join="add",
            branches=(
                Branch(name="main", layers=(ReLU(), linear("linear1", 6, 5), Tanh(), linear("lambda", 5, 6))),
                Branch(name="shortcut"),
            ),
        ),
        Branches(
            name="block2",
            join="concatenate",
            branches=(Branch(name="main", layers=(linear("linear", 6, 3), gate)), Branch(name="shortcut")),
        ),
        linear("output", 10, 1),
    )
    return replace(
        spec,
        name="branched",
        discriminator=replace(spec.discriminator, layers=discriminator),
        training=replace(spec.training, discriminator_loss=alone),
    )


def _optimizers() -> GanSpec:
    spec = MADE_UP["logistic-2d"]
    descent: Any = spec.training.generator_optimizer
    return replace(
        spec,
        name="odd-optimizers",
        training=replace(
            spec.training,
            discriminator_optimizer=replace(descent, momentum_of="direction", nesterov=False, weight_decay=None),
            generator_optimizer=Adam(
                learning_rate=ConstantRate(value=0.01),
                beta1=0.5,
                beta2=0.9,
                epsilon=1e-6,
                epsilon_placement="outside",
                bias_correction=True,
                amsgrad="corrected",
                weight_decay=WeightDecay(share=0.01, by="parameter_alone"),
            ),
        ),
    )


_ODD = (
    _optimizers(),
    joined_gradients(),
    odd_norms(),
    odd_spectra(),
    reserved_names(),
    reused_gradients(),
    both_always(),
    branched(),
    branched_images(),
    penalised_images(),
)
ODD_GANS = {spec.name: spec for spec in _ODD} | MADE_UP
