"""What of the vocabulary a set of GANs uses, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from gan_rosetta.shared.spec import GanSpec, Layer, Optimizer, RealSource
from gan_rosetta.shared.spec.losses import DiscriminatorLoss, GeneratorLoss
from gan_rosetta.shared.spec.sources import LatentSource

_GROUPS = {
    "layers": get_args(Layer),
    "losses": (*get_args(DiscriminatorLoss), *get_args(GeneratorLoss)),
    "optimizers": get_args(Optimizer),
    "sources": (*get_args(RealSource), *get_args(LatentSource)),
}


def count_vocabulary(specs: Iterable[GanSpec], /) -> dict[str, dict[str, int]]:
    """Return for layers, losses, optimizers and sources how many of the GANs have each, zeros too."""
    found: Counter[type] = Counter()
    for spec in specs:
        found.update(set(_kinds(spec)))
    return {group: {kind.__name__: found[kind] for kind in kinds} for group, kinds in _GROUPS.items()}


def _kinds(part: Any) -> Iterable[type]:
    if is_dataclass(part) and not isinstance(part, type):
        yield type(part)
        for field in fields(part):
            yield from _kinds(getattr(part, field.name))
    elif isinstance(part, tuple):
        for entry in part:
            yield from _kinds(entry)
