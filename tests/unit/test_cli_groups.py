"""Options in groups: what commands share is what a request takes, and a command gets it as one record."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

import typer
from typer.testing import CliRunner

from gan_rosetta.shared.commands.groups import Feed, Training, with_groups
from gan_rosetta.shared.runs.request import FeedOptions, Options


def names(group):
    return {field.name for field in fields(group)}


def test_the_groups_are_what_a_request_takes():
    assert names(Feed) == set(FeedOptions.__annotations__)
    # Exports go with one run, and how many moments are kept follows from what is shown.
    assert names(Training) == {*Options.__annotations__} - {"export_tape", "export_initial_state", "num_moments"}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    width: Annotated[int, typer.Option("--width", help="So wide.")] = 3
    is_deep: Annotated[bool, typer.Option("--deep")] = False


def test_a_command_gets_a_group_as_one_record():
    found = []
    app = typer.Typer()

    @app.command()
    @with_groups
    def measure(context: typer.Context, name: str, *, sizes: Sizes, last: int = 7) -> None:
        """Measure."""
        found.append((context.info_name, name, sizes, last))

    finished = CliRunner().invoke(app, ["here", "--width", "5", "--deep", "--last", "2"])
    assert finished.exit_code == 0, finished.output
    assert found == [("measure", "here", Sizes(width=5, is_deep=True), 2)]
    assert "So wide." in CliRunner().invoke(app, ["--help"]).output
    assert CliRunner().invoke(app, ["here", "--width", "wide"]).exit_code == 2
