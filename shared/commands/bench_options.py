"""What `gan-rosetta bench` and its commands are asked in common, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gan_rosetta.shared.commands.options import FAILURE, KEPT, TRAINED, status_of_verdicts
from gan_rosetta.shared.storage.opening import require_place

if TYPE_CHECKING:
    from gan_rosetta.benchmarks.record import CellResult

MEASURED = "How it is measured"

Names = str | None

Markdown = Annotated[Path | None, typer.Option("--markdown", rich_help_panel=KEPT, help="Write the page to this file.")]
Pictures = Annotated[
    Path | None,
    typer.Option(
        "--pictures", rich_help_panel=KEPT, help="Folder for the pictures; without it, none unless there is a page."
    ),
]
Gans = Annotated[
    Names,
    typer.Option(
        "--gans", rich_help_panel=TRAINED, help="GANs, separated by commas; where not given, four, on a GPU all."
    ),
]
Rounds = Annotated[int, typer.Option("--rounds", rich_help_panel=MEASURED, help="Repeats of each cell.")]
Seconds = Annotated[float, typer.Option("--seconds", rich_help_panel=MEASURED, help="Seconds that a round is to last.")]


def status_of(cells: Iterable[CellResult], /) -> int:
    """Return the exit status of cells: that of one that failed, else of the verdicts on those that were judged."""
    cells = list(cells)
    if any(cell.status == "failed" for cell in cells):
        return FAILURE
    return status_of_verdicts({"AGREE", *(cell.parity.verdict for cell in cells if cell.parity is not None)})


def require_page(markdown: Path | None, /) -> None:
    """Raise UsageError where the page that is asked for cannot be written there."""
    if markdown is not None:
        require_place(markdown, said="--markdown", makes_folder=True)


def command_line() -> str:
    """Return how it was called, without the files that it writes or the place of the digits."""
    kept: list[str] = []
    arguments = iter(sys.argv[1:])
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name in ("--out", "--markdown", "--pictures", "--mnist"):
            if not value:
                next(arguments, None)
            kept += ["--mnist DIR"] if name == "--mnist" else []
        else:
            kept.append(argument)
    own = kept[1:] if kept[:1] == ["bench"] else kept
    return " ".join(["gan-rosetta bench", *own])
