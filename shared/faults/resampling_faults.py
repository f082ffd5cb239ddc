"""Mistakes in layers that give images another size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.layer_fields import choice_fault
from gan_rosetta.shared.faults.places import Place
from gan_rosetta.shared.spec import GanSpec, GlobalPool, PixelShuffle, Pool2d, Upsample

_POOLS = {"average": "the mean", "sum": "the sum", "maximum": "the largest"}


def _other_pool(layer: Any) -> Any:
    return replace(layer, mode="maximum" if layer.mode == "average" else "average")


def _pool_words(layer: Any) -> str:
    return _POOLS[layer.mode]


def _makes_many_channels(spec: GanSpec, place: Place) -> bool:
    """Whether channels can be told from the pixels that they become: of one channel both orders are the same."""
    network, index = place
    return spec.networks()[network].placed[index].output_shape[0] > 1


FAULTS = (
    choice_fault(
        "upsample-mode",
        "bilinear upsampling in place of nearest, or nearest in place of bilinear",
        "{place} takes new pixels {found}: take them {expected}.",
        Upsample,
        change=lambda layer: replace(layer, mode="bilinear" if layer.mode == "nearest" else "nearest"),
        words=lambda layer: "from the nearest" if layer.mode == "nearest" else "from between their neighbours",
    ),
    choice_fault(
        "pool-mode",
        "the mean of a window in place of its largest, or the largest in place of the mean",
        "{place} takes {found} of each window: take {expected}.",
        Pool2d,
        change=_other_pool,
        words=_pool_words,
    ),
    choice_fault(
        "global-pool-mode",
        "the mean of a channel in place of its sum or its largest, or the largest in place of the mean",
        "{place} takes {found} of each channel: take {expected}.",
        GlobalPool,
        change=_other_pool,
        words=_pool_words,
    ),
    choice_fault(
        "pixel-shuffle-order",
        "a pixel shuffle that counts its channels as another framework does",
        "{place} takes for a channel's pixels {found}: take {expected}; torch takes those in a row, TensorFlow those "
        "far apart.",
        PixelShuffle,
        change=lambda layer: replace(layer, order="pixel" if layer.order == "channel" else "channel"),
        words=lambda layer: "channels in a row" if layer.order == "channel" else "channels far apart",
        where=_makes_many_channels,
    ),
)
