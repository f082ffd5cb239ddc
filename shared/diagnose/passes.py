"""The forward passes of a step, by the order in which what it computes comes."""

from __future__ import annotations

from collections.abc import Iterable

from gan_rosetta.shared.interface import ProbeKey

Pass = tuple[str, str]


def passes(keys: Iterable[ProbeKey], /) -> list[Pass]:
    """Return the forward passes of a step in order: phase, and network with its stream."""
    found: list[Pass] = []
    for key in keys:
        if key.quantity == "output":
            entry = (key.phase, f"{key.name.split('.')[0]} on {key.stream}")
            if entry not in found:
                found.append(entry)
    return found


def first_other_pass(got: Iterable[ProbeKey], expected: Iterable[ProbeKey], /) -> ProbeKey | None:
    """Return a key of quantity "order" where phases or passes come in another order, or more or fewer of them."""
    ours, theirs = passes(got), passes(expected)
    for index in range(max(len(ours), len(theirs))):
        own = ours[index] if index < len(ours) else None
        other = theirs[index] if index < len(theirs) else None
        if own != other:
            phase, _ = other or own or ("", "")
            return ProbeKey(phase, "order", "", f"{_describe(own)} in place of {_describe(other)}")
    return None


def _describe(entry: Pass | None) -> str:
    return "nothing" if entry is None else f"{entry[1]} in the {entry[0]} phase"
