"""Which quantity of one program is which of another's: by name where both have it, else by order and shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from gan_rosetta.shared.traces.files import Quantity, Signature

_MATRIX_RANK = 2


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """The pairs of a step's quantities, by their places, in the first program's order, and those that have none.

    by_order: the first's places that order and shape alone paired.
    """

    pairs: tuple[tuple[int, int], ...]
    by_order: frozenset[int]
    only_first: tuple[Quantity, ...]
    only_second: tuple[Quantity, ...]


def pair_quantities(first: Signature, second: Signature, /) -> Pairing:
    """Return which quantities of two programs' step are the same.

    By kind, name and how often it came before; what is left, of each kind those whose shapes come in the same order.
    """
    names = {(each.kind, each.name, each.occurrence): place for place, each in enumerate(second)}
    pairs = {
        place: names[each.kind, each.name, each.occurrence]
        for place, each in enumerate(first)
        if (each.kind, each.name, each.occurrence) in names
    }
    taken = set(pairs.values())
    left = [place for place in range(len(first)) if place not in pairs]
    others = [place for place in range(len(second)) if place not in taken]
    by_order: dict[int, int] = {}
    for kind in dict.fromkeys(first[place].kind for place in left):
        mine = [place for place in left if first[place].kind == kind]
        theirs = [place for place in others if second[place].kind == kind]
        shapes = [[_plain(own[place].shape) for place in places] for own, places in ((first, mine), (second, theirs))]
        matcher = SequenceMatcher(None, shapes[0], shapes[1], autojunk=False)
        for block in matcher.get_matching_blocks():
            for offset in range(block.size):
                by_order[mine[block.a + offset]] = theirs[block.b + offset]
    pairs |= by_order
    return Pairing(
        pairs=tuple(sorted(pairs.items())),
        by_order=frozenset(by_order),
        only_first=tuple(first[place] for place in left if place not in by_order),
        only_second=tuple(second[place] for place in others if place not in by_order.values()),
    )


def in_shape_of(array: np.ndarray, expected: Sequence[int], /) -> np.ndarray:
    """Return an array in another's shape where it differs by axes of one alone, or is a matrix the other way round."""
    is_turned = array.ndim == _MATRIX_RANK and array.shape != tuple(expected) == array.shape[::-1]
    if is_turned:
        return array.T
    return array.reshape(expected) if _plain(array.shape) == _plain(expected) else array


def _plain(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
