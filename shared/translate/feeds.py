"""What a program's steps are fed beside samples and noise, and how it counts them."""

from __future__ import annotations

from gan_rosetta.shared.spec import DigitsReal, GanSpec, LinearGaussianReal
from gan_rosetta.shared.spec.optimizers import counts_epochs
from gan_rosetta.shared.translate.parts import optimizer_uses

# Under which a batch says in which pass over the real data it is, and which step of that it is.
EPOCH, STEP_IN_EPOCH = "epoch", "step_in_epoch"


def uses_digits(spec: GanSpec, /) -> bool:
    """Whether a program draws from files of digits."""
    return isinstance(spec.real, DigitsReal)


def uses_classes(spec: GanSpec, network: str, /) -> bool:
    """Whether a network is fed classes."""
    return any(layer.fed == "class" for layer in spec.networks()[network].all_layers)


def uses_masks(spec: GanSpec, network: str, /) -> bool:
    """Whether a network is fed masks."""
    return any(layer.fed == "mask" for layer in spec.networks()[network].all_layers)


def asks_for_epoch(spec: GanSpec, /) -> bool:
    """Whether a rate hangs on how many passes over the real data came before."""
    return any(counts_epochs(use.optimizer) for use in optimizer_uses(spec))


def asks_for_step_in_epoch(spec: GanSpec, /) -> bool:
    """Whether a player's turns are counted within each pass over the real data."""
    turns = (spec.training.discriminator_steps, spec.training.generator_steps)
    return any(each.counted == "epoch" and each.period > 1 for each in turns)


def may_be_short(spec: GanSpec, /) -> bool:
    """Whether the last batch of an epoch may have fewer samples than the others."""
    if isinstance(spec.real, DigitsReal):
        return spec.real.short_batch != "dropped"
    return isinstance(spec.real, LinearGaussianReal)
