"""Which programs of a collection can be described, and what the others lack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from gan_rosetta.shared.coverage.collections import Collection
from gan_rosetta.shared.coverage.needs import NEEDS, Need


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """A collection, and what each of its programs lacks, by its name; what is fed from outside apart."""

    collection: Collection
    lacks: Mapping[str, tuple[Need, ...]]
    fed: Mapping[str, tuple[Need, ...]]

    @property
    def described(self) -> tuple[str, ...]:
        """The programs whose networks, losses and steps can be described."""
        return tuple(program for program, lacking in self.lacks.items() if not lacking)

    def missing(self) -> list[tuple[Need, int, int]]:
        """Return what is missing, how many programs need it, and how many lack it alone; the most needed first."""
        needed = Counter(need for lacking in self.lacks.values() for need in lacking)
        alone = Counter(lacking[0] for lacking in self.lacks.values() if len(lacking) == 1)
        return [(need, count, alone[need]) for need, count in needed.most_common()]


def cover(collection: Collection, /) -> Coverage:
    """Return what each program of a collection lacks."""
    wanting = {
        program: tuple(NEEDS[need] for need in needs if not NEEDS[need].is_there)
        for program, needs in collection.programs.items()
    }
    return Coverage(
        collection=collection,
        lacks={program: tuple(need for need in own if need.kind != "fed") for program, own in wanting.items()},
        fed={program: tuple(need for need in own if need.kind == "fed") for program, own in wanting.items()},
    )
