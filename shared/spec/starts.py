"""What images a G starts from, held to the real ones that they are made of."""

from __future__ import annotations

from gan_rosetta.shared.spec.checks import require
from gan_rosetta.shared.spec.sources import DigitsReal, HoledLatent, LatentSource, RealSource
from gan_rosetta.shared.spec.training import Training


def check_pairs(real: RealSource, latent: LatentSource, training: Training, /) -> None:
    """Raise SpecError where D cannot be shown a sample beside the image that G started from."""
    whole = isinstance(real, DigitsReal) and real.part is None
    whole = whole and isinstance(latent, HoledLatent) and latent.reduced_by is None
    alone = getattr(training.discriminator_loss, "penalty", None) is None
    require(
        not training.shows_pairs or (whole and alone),
        "training shows D what G starts from beside each sample; expected images of one size for both, a HoledLatent "
        "with reduced_by None and real with part None, and no gradient penalty",
        "training",
        "start_shown",
    )


def check_holes(real: RealSource, latent: LatentSource, training: Training, /) -> None:
    """Raise SpecError unless holes fit the images that they are cut into, and what D is shown fits both."""
    part = real.part if isinstance(real, DigitsReal) else None
    if not isinstance(latent, HoledLatent):
        require(
            part is None,
            f"real shows a part of {part} of each image, and {type(latent).__name__} leaves none out; expected a "
            "HoledLatent, or part None",
            "real",
            "part",
        )
        return
    found = f"of {real.num_channels} and {real.size}" if isinstance(real, DigitsReal) else type(real).__name__
    require(
        isinstance(real, DigitsReal) and (real.num_channels, real.size) == (latent.num_channels, latent.size),
        f"latent cuts holes into images of {latent.num_channels} channels and size {latent.size}, and real is {found}; "
        "expected DigitsReal of the same",
        "latent",
    )
    require(
        part in (None, latent.hole),
        f"real shows a part of {part} of each image, and latent leaves out one of {latent.hole}; expected the same",
        "real",
        "part",
    )
    require(
        training.latent_draws == "shared",
        "latent is made of the step's real images, of which there is one batch; expected latent_draws 'shared'",
        "training",
        "latent_draws",
    )
