"""A GAN, whole: networks, data, losses, optimizers and the order of a step. Data only; it checks itself when built."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from gan_rosetta.shared.spec.activations import Sigmoid
from gan_rosetta.shared.spec.checks import require, require_positive_integer
from gan_rosetta.shared.spec.classifying import ClassContrast, PullAway
from gan_rosetta.shared.spec.heads import check_classes, check_codes, score_head
from gan_rosetta.shared.spec.layer import Shape
from gan_rosetta.shared.spec.layers import (
    BatchNorm,
    MinibatchDiscrimination,
)
from gan_rosetta.shared.spec.network import Network
from gan_rosetta.shared.spec.penalised import check_penalty
from gan_rosetta.shared.spec.penalty import GradientPenalty
from gan_rosetta.shared.spec.sources import (
    DigitsReal,
    HoledLatent,
    LatentSource,
    LinearGaussianReal,
    RealSource,
)
from gan_rosetta.shared.spec.starts import check_holes, check_pairs
from gan_rosetta.shared.spec.training import Pretraining, Training

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
_IMAGE_RANK = 3
_SCORE_SHAPES = {"probability": (1,), "logits": (2,), "critic": (1,), "squares": (1,), "logit": (1,)}


@dataclass(frozen=True, kw_only=True)
class GanSpec:
    """A GAN as every backend builds it. batch_size counts samples; shapes are per sample.

    Raises SpecError where parts contradict each other.
    """

    name: str
    title: str
    source: str
    batch_size: int
    real: RealSource
    latent: LatentSource
    generator: Network
    discriminator: Network
    pretraining: Pretraining | None
    training: Training

    def __post_init__(self) -> None:
        good = type(self.name) is str and _NAME.match(self.name) is not None
        require(
            good, f"name is {self.name!r}; expected lower-case words joined by hyphens, such as 'gaussian-1d'", "name"
        )
        require_positive_integer(self, "batch_size")
        check_pairs(self.real, self.latent, self.training)
        self._check_shapes()
        self._check_batch_norms()
        if self.penalty is not None:
            check_penalty(self.penalty, self.discriminator, batch_size=self.batch_size)
        check_classes(self.real, self.networks())
        check_codes(self.latent, self.networks())
        check_holes(self.real, self.latent, self.training)
        require(
            not self.training.counts_epochs or isinstance(self.real, DigitsReal | LinearGaussianReal),
            f"training: steps or a learning rate are counted by epochs, and {type(self.real).__name__} draws fresh "
            "samples without end; expected DigitsReal or LinearGaussianReal, or counted 'training' and 'updates'",
            "training",
        )
        if isinstance(self.real, DigitsReal) and self.real.short_batch == "dropped":
            require(
                self.real.num_images is None or self.real.num_images >= self.batch_size,
                f"real leaves short batches out, and its {self.real.num_images} images do not fill one of batch_size "
                f"{self.batch_size}; take more images or a smaller batch (batch_size, or --batch-size on the command "
                "line)",
                "batch_size",
            )
        require(
            self.training.joint_optimizer is None or not isinstance(self.latent, HoledLatent),
            "a joint_optimizer takes a batch from noise of its own, and G starts from real images with holes; leave it "
            "out",
            "training",
            "joint_optimizer",
        )
        if self.training.fake_batch == "reused" and self.training.first == "discriminator":
            moved = "BatchNorm" if self.generator.has_batch_norm else "spectral_norm"
            require(
                not self.generator.has_buffers,
                f"fake_batch='reused' with D first and a {moved} in G: say 'regenerated', since buffers would differ",
                "training",
                "fake_batch",
            )

    def _check_shapes(self) -> None:
        made, real, critic_input = self.generator.output_shape, self.real.sample_shape, self.discriminator.input_shape
        shown, what = (
            self.shown_shape,
            "pairs of real samples and starts" if self.training.shows_pairs else "real samples",
        )
        latent, generator_input = self.latent.sample_shape, self.generator.input_shape
        end, critic_end = (("layers", len(network.layers) - 1) for network in (self.generator, self.discriminator))
        for first, first_shape, second, second_shape, path in (
            ("latent samples", latent, "generator.input_shape", generator_input, ("generator", "input_shape")),
            ("generated samples", made, "real samples", real, ("generator", *end)),
            (what, shown, "discriminator.input_shape", critic_input, ("discriminator", "input_shape")),
        ):
            message = f"{first} have shape {first_shape}, {second} {second_shape}; expected the same"
            require(first_shape == second_shape, message, *path)
        score = self.training.discriminator_loss.score
        found, ends = self.discriminator.output_shape, self.discriminator.layers
        if self.training.class_loss is not None:
            ends, found = score_head(self.discriminator, self.training)
        by_patch = score != "logits" and len(found) == _IMAGE_RANK and found[0] == 1
        maps = "" if score == "logits" else ", or a map (1, height, width) of a score for each patch"
        require(
            found == _SCORE_SHAPES[score] or by_patch,
            f"the discriminator's output has shape {found}; a loss on a {score} expects {_SCORE_SHAPES[score]}{maps}",
            "discriminator",
            *critic_end,
        )
        if score == "probability":
            message = "a loss on a probability needs a discriminator that ends in Sigmoid"
            require(bool(ends) and isinstance(ends[-1], Sigmoid), message, "discriminator", *critic_end)
        if self.pretraining is not None:
            good = self.discriminator.input_shape == self.discriminator.output_shape == (1,)
            message = "pretraining on a density needs a discriminator from shape (1,) to shape (1,)"
            require(good, message, "pretraining")

    @property
    def shown_shape(self) -> Shape:
        """The per-sample shape of what D is shown: a real sample's, or with the channels of what G starts from."""
        channels, *places = real = self.real.sample_shape
        return (channels + self.latent.sample_shape[0], *places) if self.training.shows_pairs else real

    def _check_batch_norms(self) -> None:
        alone = self.batch_size == 1 and any(isinstance(layer, PullAway) for layer in self.discriminator.all_layers)
        require(
            not alone,
            "batch_size is 1, and a PullAway compares samples; take a batch size of 2 or more (batch_size, or "
            "--batch-size on the command line)",
            "batch_size",
        )
        name = self.batch_norm_of_one(self.batch_size)
        require(
            name is None,
            f"batch_size is {self.batch_size}, so that the BatchNorm {name} sees one value a channel, which has no "
            "variance; take a batch size of 2 or more (batch_size, or --batch-size on the command line)",
            "batch_size",
        )

    @property
    def uses_mix(self) -> bool:
        """Whether the tape holds interpolation coefficients for a gradient penalty."""
        return self.penalty is not None and self.penalty.mixes

    @property
    def uses_perturbation(self) -> bool:
        """Whether the tape holds by how much of their deviation a gradient penalty's real samples are moved."""
        return self.penalty is not None and self.penalty.at == "perturbed"

    @property
    def penalty(self) -> GradientPenalty | None:
        """The gradient penalty of D's loss, if it has one."""
        found: GradientPenalty | None = getattr(self.training.discriminator_loss, "penalty", None)
        return found

    @property
    def makes_same_fake_twice(self) -> bool:
        """Whether G makes the same batch for both updates of a step that trains both, so that once will do.

        Its BatchNorm buffers move twice all the same.
        """
        training = self.training
        again = (training.fake_batch, training.latent_draws, training.first) == (
            "regenerated",
            "shared",
            "discriminator",
        )
        return again and not any(
            layer.fed == "mask"
            or (isinstance(layer, BatchNorm) and layer.statistics == "running")
            or getattr(layer, "spectral_norm", None) is not None
            for layer in self.generator.all_layers
        )

    @property
    def num_pretraining_steps(self) -> int:
        """How many steps pretraining has; 0 where there is none."""
        return 0 if self.pretraining is None else self.pretraining.num_steps

    @property
    def couples_samples(self) -> bool:
        """Whether a sample's output depends on the others in its batch."""
        layers = (*self.generator.all_layers, *self.discriminator.all_layers)
        return any(isinstance(layer, MinibatchDiscrimination | ClassContrast | PullAway) for layer in layers) or (
            self.generator.has_batch_norm or self.discriminator.has_batch_norm
        )

    def batch_norm_of_one(self, batch_size: int, /) -> str | None:
        """Return the first BatchNorm, such as generator.norm1, that sees one value a channel in batches of this size.

        None where there is none, as in every batch of two samples or more.
        """
        for network, layers in self.networks().items():
            name = layers.batch_norm_of_one(batch_size)
            if name is not None:
                return f"{network}.{name}"
        return None

    @property
    def loss_names(self) -> tuple[str, ...]:
        """The losses of a run, by the phases that they are of; pretraining's are none where there is no such."""
        return ("pretraining", *self.training.loss_names)

    def networks(self) -> dict[str, Network]:
        """Return the two networks by their canonical names, the generator first."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    def with_steps(self, *, pretraining: int | None = None, training: int | None = None) -> GanSpec:
        """Return the spec with other numbers of steps; None keeps the spec's own."""
        spec = self
        if pretraining is not None and self.pretraining is not None:
            spec = replace(spec, pretraining=replace(self.pretraining, num_steps=pretraining))
        if training is not None:
            spec = replace(spec, training=replace(self.training, num_steps=training))
        return spec
