"""What each forward pass of a step is fed from the tape beside its samples: classes, codes, masks, augmentations.

A mask is named after its pass and its layer, `mask.discriminator.real.discriminator.drop1`: no two passes share one.
So is what an augmentation draws, `augment.discriminator.real.discriminator.colour`.
The classes of the real samples are `real_label`, those that G is asked for `label_d`, `label_g` and, of a third update,
`label_j`, as the noise is. Codes are a part of the noise, `latent_d`, `latent_g` or `latent_j`, which D is fed whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.spec.augment import Augment
from gan_rosetta.shared.spec.classifying import TELLS_CLASS
from gan_rosetta.shared.spec.codes import CodeError
from gan_rosetta.shared.spec.dropout import Dropout
from gan_rosetta.shared.spec.embedding import ClassEmbedding
from gan_rosetta.shared.spec.gan import GanSpec
from gan_rosetta.shared.spec.layer import Shape
from gan_rosetta.shared.spec.network import Network

MASK, AUGMENT = "mask", "augment"
REAL_LABEL = "real_label"
_KINDS: dict[type, str] = {Dropout: MASK, Augment: AUGMENT}
_LABELS = (REAL_LABEL, "label_d", "label_g", "label_j")


@dataclass(frozen=True, kw_only=True)
class MaskDraw:
    """A mask on the tape, or what an augmentation draws: its name, its per-sample shape, and of which layer it is.

    drawn_as: the name of the numbers that it is drawn from; another mask's where the two are the same. input_shape: of
    the layer.
    """

    name: str
    drawn_as: str
    shape: Shape
    layer: Dropout | Augment
    input_shape: Shape

    def drawn(self, uniform: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Return what is on the tape, by as many numbers evenly from 0 to 1, (..., *shape)."""
        return self.layer.drawn(uniform, self.input_shape)


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One forward pass of a network in a step. phase: whose update it belongs to; stream: as in ProbeKey.

    fed: the tape's arrays that the pass is fed beside its samples, by the names of the layers that take them.
    """

    phase: str
    stream: str
    network: str
    fed: Mapping[str, str]
    masks: tuple[MaskDraw, ...]


@lru_cache(maxsize=64)
def passes(spec: GanSpec, /) -> Mapping[tuple[str, str, str], Pass]:
    """Return the passes of a pretraining step and of a whole adversarial one, by phase, stream and network."""
    return {place: _pass(spec, *place) for place in _places(spec)}


def mask_draws(spec: GanSpec, /, *, pretraining: bool) -> tuple[MaskDraw, ...]:
    """Return the masks, and what augmentations draw, of a pretraining step, or of an adversarial one."""
    chosen = (one for one in passes(spec).values() if (one.phase == "pretraining") == pretraining)
    return tuple(mask for one in chosen for mask in one.masks)


def is_mask(name: str, /) -> bool:
    """Whether an array of the tape is a dropout's mask."""
    return name.startswith(f"{MASK}.")


def is_drawn(name: str, /) -> bool:
    """Whether an array of the tape is a dropout's mask, or what an augmentation draws."""
    return name.startswith((f"{MASK}.", f"{AUGMENT}."))


def is_label(name: str, /) -> bool:
    """Whether an array of the tape is of classes."""
    return name in _LABELS


def labels(spec: GanSpec, /) -> tuple[str, ...]:
    """Return the tape's arrays of classes that an adversarial step uses; no other is fed any."""
    used = {name for one in passes(spec).values() for name in one.fed.values()}
    return tuple(name for name in _LABELS if name in used)


def fed_shapes(spec: GanSpec, /, *, pretraining: bool) -> dict[str, Shape]:
    """Return the per-sample shapes of all that the passes of a step are fed beside samples, by name."""
    classes: dict[str, Shape] = {} if pretraining else dict.fromkeys(labels(spec), ())
    return classes | {mask.name: mask.shape for mask in mask_draws(spec, pretraining=pretraining)}


def shown_when_asked(spec: GanSpec, samples: NDArray[Any], latent: NDArray[Any], /) -> NDArray[Any]:
    """Return what D is asked about samples (n, ...) that are of as many of what G started from (n, ...)."""
    if not spec.training.shows_pairs:
        return samples
    pairs: NDArray[Any] = np.concatenate(spec.training.in_order(samples, latent[: len(samples)]), axis=1)
    return pairs


def fed_when_asked(network: Network, num_samples: int, /) -> dict[str, NDArray[np.float64]]:
    """Return what a network that is only asked is fed for a batch, by layer: the classes in turn, no code, no masks."""
    fed: dict[str, NDArray[np.float64]] = {}
    for placed in network.placed:
        if isinstance(placed.layer, (ClassEmbedding, *TELLS_CLASS)):
            fed[placed.name] = np.arange(num_samples, dtype=np.float64) % placed.layer.num_classes
        elif isinstance(placed.layer, CodeError):
            fed[placed.name] = np.zeros((num_samples, placed.layer.stop))
    return fed


def _places(spec: GanSpec) -> list[tuple[str, str, str]]:
    training = spec.training
    places = [("pretraining", "input", "discriminator")] if spec.pretraining is not None else []
    makers = [training.first] if training.fake_batch == "reused" else ["discriminator", "generator"]
    places += [(phase, "fake", "generator") for phase in makers]
    places += [("discriminator", stream, "discriminator") for stream in ("real", "fake")]
    if spec.penalty is not None:
        places.append(("discriminator", "mixed", "discriminator"))
    if training.generator_sees_real:
        places.append(("generator", "real", "discriminator"))
    places.append(("generator", "fake", "discriminator"))
    places += [("generator", "again", "discriminator")] if training.shows_fake_twice else []
    joint = [("joint", "fake", network) for network in ("generator", "discriminator")]
    return [*places, *joint] if training.joint_optimizer is not None else places


def _pass(spec: GanSpec, phase: str, stream: str, network: str) -> Pass:
    shares = spec.training.dropout_masks == "shared" and (phase, network) == ("generator", "discriminator")
    drawn = "discriminator" if shares else phase
    masks = {
        placed.name: MaskDraw(
            name=f"{_KINDS[type(placed.layer)]}.{phase}.{stream}.{network}.{placed.name}",
            drawn_as=f"{_KINDS[type(placed.layer)]}.{drawn}.{stream}.{network}.{placed.name}",
            shape=placed.layer.mask_shape(placed.input_shape),
            layer=placed.layer,
            input_shape=placed.input_shape,
        )
        for placed in spec.networks()[network].placed
        if isinstance(placed.layer, Dropout | Augment)
    }
    kinds = {
        "class": REAL_LABEL if stream == "real" else spec.training.fed_in(phase, "label"),
        "code": spec.training.fed_in(phase, "latent"),
    }
    fed = {
        placed.name: masks[placed.name].name if placed.name in masks else kinds[placed.layer.fed]
        for placed in spec.networks()[network].fed_layers
    }
    return Pass(phase=phase, stream=stream, network=network, fed=fed, masks=tuple(masks.values()))
