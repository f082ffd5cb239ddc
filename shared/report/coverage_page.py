"""Which public programs can be described: lines for the terminal and the page in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from gan_rosetta.shared.coverage import Coverage, Need

_INTRODUCTION = """\
# Which public programs can be described

Made by `gan-rosetta coverage --markdown docs/coverage.md` from what each program needs
(`shared/coverage/programs/`, read from the programs by hand and from their configurations) and from what the
vocabulary has (`shared/coverage/needs.py` names the part that describes each need; a part that the vocabulary does not
have counts as lacking). A program can be described where every need of its networks, losses and steps is there. It is
not said here that it was: the programs that are GANs of the catalogue, and held to their own losses, are named.

What is *fed* is counted apart: where there is no source for a program's real samples, noise or first values, a run
takes them from a tape (`--tape`) or a state (`--initial-state`) that another program wrote.
"""


def coverage_lines(coverages: Sequence[Coverage], /) -> list[str]:
    """Return a sentence for each collection, and what most of its programs lack."""
    lines = []
    for coverage in coverages:
        lines.append(f"{coverage.collection.title}: {_count(coverage)}")
        lines += [f"  {title} is needed by {number}" for title, number in _most_needed(coverage)]
    return lines


def coverage_page(coverages: Sequence[Coverage], /) -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    for coverage in coverages:
        collection = coverage.collection
        parts += [
            f"## {collection.title}\n\n{_count(coverage)} Read at [{collection.commit[:7]}]({collection.source}).\n",
            "| what is missing | programs that need it | lack nothing else |\n| --- | --- | --- |\n"
            + "".join(f"| {need.title} | {number} | {alone or ''} |\n" for need, number, alone in coverage.missing()),
            "| program | lacks | fed from outside |\n| --- | --- | --- |\n"
            + "".join(_row(coverage, program) for program in collection.programs),
            *[f"{program}: {note}.\n" for program, note in collection.notes.items()],
        ]
    return "\n".join(parts)


def _count(coverage: Coverage) -> str:
    described, programs = len(coverage.described), len(coverage.collection.programs)
    return f"{described} of {programs} programs can be described."


def _most_needed(coverage: Coverage, number: int = 5) -> list[tuple[str, int]]:
    return [(need.title, count) for need, count, _ in coverage.missing()[:number]]


def _row(coverage: Coverage, program: str) -> str:
    here = coverage.collection.here.get(program)
    nothing = "nothing" if here is None else f"nothing: it is `{here}`"
    lacks = _titles(coverage.lacks[program]) or nothing
    return f"| {program} | {lacks} | {_titles(coverage.fed[program])} |\n"


def _titles(needs: Sequence[Need]) -> str:
    return "; ".join(need.title for need in needs)
