"""The command `gan-rosetta sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gan_rosetta.shared.commands.options import COMPUTED, FAILURE, KEPT, Json, errors, say
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.report.progress import on_terminal


def sweep(
    plan: Annotated[Path, typer.Argument(help="The plan, a TOML file: gans, runs, seeds and fields.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", rich_help_panel=KEPT, help="Folder for the table; runs/<the plan's name> if not given."),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", rich_help_panel=COMPUTED, help="Address of a Dask scheduler; here where not given."),
    ] = None,
    scheduler_file: Annotated[
        Path | None,
        typer.Option("--scheduler-file", rich_help_panel=COMPUTED, help="The file that a Dask scheduler wrote."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", rich_help_panel=KEPT, help="Draw response curves into this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train GANs over runs, seeds and any fields of theirs, each a job of its own, and make one table of it.

    What is done already is not done again: the same command goes on where one was stopped.
    """
    from gan_rosetta.shared.report.as_data import FORMAT, as_text  # noqa: PLC0415
    from gan_rosetta.shared.report.sweep_table import sweep_lines  # noqa: PLC0415
    from gan_rosetta.shared.storage.opening import require_place  # noqa: PLC0415
    from gan_rosetta.shared.sweeps.cluster import choose_cluster  # noqa: PLC0415
    from gan_rosetta.shared.sweeps.plan import read_plan  # noqa: PLC0415
    from gan_rosetta.shared.sweeps.session import sweep as do_sweep  # noqa: PLC0415
    from gan_rosetta.shared.sweeps.table_file import TABLE_FILE  # noqa: PLC0415

    if picture is not None:
        require_place(picture, said="--picture")
        if picture.suffix.lower() != ".png":
            raise UsageError(f"--picture {picture} ends in {picture.suffix or 'nothing'}; pictures are PNG: FILE.png")
    chosen = choose_cluster(cluster, scheduler_file)
    folder = (out or Path("runs") / plan.stem).absolute()
    swept = do_sweep(
        read_plan(plan, folder, elsewhere=chosen is not None), folder, watch=on_terminal(errors), cluster=chosen
    )
    if as_json:
        print(as_text({"format": FORMAT, "command": "sweep", **swept.as_data()}))
    else:
        for line in sweep_lines(swept):
            say(line)
        say(f"Table: {folder / TABLE_FILE}")
    if picture is not None and swept.outcomes:
        from gan_rosetta.shared.report.pictures import write_picture  # noqa: PLC0415
        from gan_rosetta.shared.report.sweep_picture import draw_sweep  # noqa: PLC0415

        write_picture(picture, draw_sweep(swept))
        say(f"Written: {picture}")
    raise typer.Exit(FAILURE if swept.failures else 0)
