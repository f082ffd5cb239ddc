"""Mistakes in the normalisation of each sample by itself."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.faults.layer_fields import choice_fault, number_fault
from gan_rosetta.shared.faults.places import Place, layer_at
from gan_rosetta.shared.spec import GanSpec, GroupNorm


def _other_groups(layer: GroupNorm) -> int:
    """Return 1, or of one group the most that have two channels at least."""
    most = max(n for n in range(1, layer.num_features // 2 + 1) if layer.num_features % n == 0)
    return most if layer.num_groups == 1 else 1


def _groups_otherwise(spec: GanSpec, place: Place) -> bool:
    """Whether there is another number of groups."""
    layer = layer_at(spec, place)
    return layer.num_features > 1 and _other_groups(layer) != layer.num_groups


FAULTS = (
    number_fault(
        "group-norm-epsilon",
        "GroupNorm's ε 1e-3, Keras's default",
        "ε of {place} is {found}: set it to {expected}.",
        GroupNorm,
        "epsilon",
        planted=1e-3,
        subject="group-norm-epsilon",
        is_scale=True,
    ),
    choice_fault(
        "group-norm-groups",
        "one group in place of several, or a group for each channel in place of one",
        "{place} normalises {found}: let it normalise {expected}.",
        GroupNorm,
        change=lambda layer: replace(layer, num_groups=_other_groups(layer)),
        words=lambda layer: f"{layer.num_groups} groups" if layer.num_groups > 1 else "one group",
        where=_groups_otherwise,
    ),
)
