"""Energy-based GAN on MNIST digits: D gives back what it is shown, and how far that is off is its score.

Kept as published, because it is what ran: the margin holds the batch's mean, not each sample's energy; G's energy is
that from its images as constants, so that its gradient comes through what D gives back alone; and the pulling-away
term is of cosines, where the paper has their squares.
"""

from gan_rosetta.shared.gans.upsampled_digits import ADAM, given_back, up
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Branch,
    Branches,
    ClassLoss,
    DigitsReal,
    GanSpec,
    MarginDiscriminatorLoss,
    Network,
    NormalLatent,
    PullAway,
    Recall,
    Training,
    WassersteinGeneratorLoss,
)

_BACK = given_back(embedding="embedding", after="linear")
_ENERGY = Branches(name="energy", join="squared_error_held", branches=(_BACK, Branch(name="given")))
_ALIKE = Branch(name="alike", layers=(Recall(of="heads.score.energy.back.embedding", parts=((0, 32),)), PullAway()))

SPEC = GanSpec(
    name="ebgan",
    title="Energy-based GAN on MNIST digits, whose D is an autoencoder",
    source="Linder-Norén, PyTorch-GAN, ebgan; Zhao et al. 2017",
    batch_size=64,
    real=DigitsReal(size=32, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(62,), redraw="step"),
    generator=Network(input_shape=(62,), layers=up(62, normed_first=False)),
    discriminator=Network(
        input_shape=(1, 32, 32),
        layers=(
            Branches(name="heads", join="concatenate", branches=(Branch(name="score", layers=(_ENERGY,)), _ALIKE)),
        ),
    ),
    pretraining=None,
    training=Training(
        num_steps=7900,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=MarginDiscriminatorLoss(margin=1.0, over="batch", reduction="mean"),
        generator_loss=WassersteinGeneratorLoss(reduction="mean", real_label=0),
        discriminator_optimizer=ADAM,
        generator_optimizer=ADAM,
        stop=None,
        class_loss=ClassLoss(on_real=0.0, on_fake=0.0, of_generator=0.1),
    ),
)
