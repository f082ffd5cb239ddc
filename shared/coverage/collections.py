"""The collections of public programs, each with what its programs need, in a TOML file of its own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gan_rosetta.shared.coverage.needs import NEEDS
from gan_rosetta.shared.errors import UsageError, unknown_name

_FOLDER = Path(__file__).parent / "programs"
COLLECTIONS = ("pytorch-gan", "studiogan")


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Public programs and what each needs.

    source: where they are; commit: which state of it was read. programs: the needs of each, by its name. here: the
    names of the catalogue's GANs, by the names of the programs that they are. notes: what a description of a program
    would leave out that no loss of it reads, or which of the catalogue's GANs it is with other options.
    """

    title: str
    source: str
    commit: str
    programs: Mapping[str, tuple[str, ...]]
    here: Mapping[str, str]
    notes: Mapping[str, str]


def read_collection(name: str, /) -> Collection:
    """Read a collection; raises UsageError where a program has a need that is not listed."""
    if name not in COLLECTIONS:
        raise unknown_name("collection", name, COLLECTIONS)
    document = tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    programs = {program: tuple(needs) for program, needs in document["programs"].items()}
    for program, needs in programs.items():
        for need in needs:
            if need not in NEEDS:
                raise UsageError(f"{name}.toml: {program} has the need {need!r}, which needs.py does not list")
    return Collection(
        title=document["title"],
        source=document["source"],
        commit=document["commit"],
        programs=programs,
        here=document.get("here", {}),
        notes=document.get("notes", {}),
    )
