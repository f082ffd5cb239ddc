"""The command `gan-rosetta calibrate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gan_rosetta.shared.commands.options import (
    BOTH,
    COMPUTED,
    DISAGREEMENT,
    KEPT,
    TRAINED,
    Backends,
    Json,
    PageFile,
    Verbose,
    chosen_backends,
    errors,
    one_or_both,
    output,
    report_failures,
    say,
)
from gan_rosetta.shared.interface import DTYPES, EXECUTIONS
from gan_rosetta.shared.report.progress import on_terminal
from gan_rosetta.shared.runs.order import LARGEST_COUNT, require_count
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.storage.opening import require_place

if TYPE_CHECKING:
    from gan_rosetta.shared.calibrate.pairs import JudgedPair
    from gan_rosetta.shared.calibrate.session import CalibrationPlan

_PAIRS_FILE, _RESULT_FILE = "pairs.jsonl", "calibration.json"
_TRAINED_FOLDER = "trained"
_FORMAT = 1
_MOST_SEEDS = 100_000


def calibrate(
    regimes: Annotated[
        list[str] | None, typer.Argument(help="Regimes to train, such as linear-2d or saturated-bce; all where none.")
    ] = None,
    *,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds", rich_help_panel=TRAINED, help="Seeds of each regime, a third of them where a step is dear."
        ),
    ] = 6,
    first_seed: Annotated[int, typer.Option("--first-seed", rich_help_panel=TRAINED, help="The first of them.")] = 0,
    dtype: Annotated[str, typer.Option("--dtype", rich_help_panel=COMPUTED, help="float64, float32 or both.")] = BOTH,
    execution: Annotated[
        str,
        typer.Option(
            "--execution",
            rich_help_panel=COMPUTED,
            help="eager, compiled, or both: compiled then in some regimes only.",
        ),
    ] = "eager",
    backends: Backends = None,
    power: Annotated[
        bool,
        typer.Option(
            "--power/--no-power", rich_help_panel=TRAINED, help="Also measure how small a planted mistake is seen."
        ),
    ] = True,
    verbose: Verbose = False,
    as_json: Json = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            rich_help_panel=KEPT,
            metavar="DIR",
            help="Keep all pairs and trainings in this folder; backends' trainings that are there are not done again.",
        ),
    ] = None,
    markdown: PageFile = None,
) -> None:
    """Measure how often the judge is wrong: false alarms between right programs, and the smallest mistake that is seen.

    For example, `gan-rosetta calibrate linear-2d norm-adam --seeds 2 --dtype float64 --no-power` takes a minute. Exit
    status: 1 where more trainings have a false alarm than is promised, by more than chance makes of it once in 1000
    times, or where a planted mistake is not seen as told; 3 where a worker failed.
    """
    from gan_rosetta.shared.calibrate.session import calibrate as measure  # noqa: PLC0415 - commands import what they need
    from gan_rosetta.shared.report.calibration_page import write_page  # noqa: PLC0415
    from gan_rosetta.shared.report.calibration_table import calibration_tables, summary_lines  # noqa: PLC0415

    if markdown is not None:
        require_place(markdown, said="--markdown")
    require_count("--seeds", seeds, minimum=1, maximum=_MOST_SEEDS)
    require_count("--first-seed", first_seed, minimum=0, maximum=LARGEST_COUNT - _MOST_SEEDS)
    plan = _plan(
        regimes or [],
        seeds=range(first_seed, first_seed + seeds),
        dtype=dtype,
        execution=execution,
        backends=backends,
        power=power,
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / _PAIRS_FILE).unlink(missing_ok=True)
    result = measure(
        plan,
        watch=on_terminal(errors),
        keep=None if out is None else out / _TRAINED_FOLDER,
        on_pairs=None if out is None else lambda pairs: _keep(out, pairs),
    )
    status = report_failures(result.failures, verbose=verbose) or (0 if result.is_good else DISAGREEMENT)
    document: dict[str, Any] = {"format": _FORMAT, "command": "calibrate", "status": status, **result.as_data()}
    if out is not None:
        write_bytes(out / _RESULT_FILE, json.dumps(document, allow_nan=False).encode())
    written = write_page(markdown, result, plan) if markdown is not None else []
    if as_json:
        typer.echo(json.dumps(document, allow_nan=False))
    else:
        for table in calibration_tables(result):
            output.print(table)
        for line in [*summary_lines(result), *(f"Written: {path}" for path in written)]:
            say(line)
    raise typer.Exit(status)


def _plan(
    names: list[str],
    /,
    *,
    seeds: range,
    dtype: str,
    execution: str,
    backends: str | None,
    power: bool,
) -> CalibrationPlan:
    """Return what to do; raises UsageError in the words of the command."""
    from gan_rosetta.shared.calibrate.regimes import find_regimes  # noqa: PLC0415
    from gan_rosetta.shared.calibrate.session import CalibrationPlan  # noqa: PLC0415
    from gan_rosetta.shared.workers.registry import require_installed  # noqa: PLC0415

    chosen = chosen_backends(backends)
    for entry in chosen:
        require_installed(entry)
    regimes = tuple(find_regimes(names))
    return CalibrationPlan(
        regimes=regimes,
        seeds=tuple(seeds),
        dtypes=one_or_both(dtype, DTYPES, option="--dtype"),
        executions=one_or_both(execution, EXECUTIONS, option="--execution"),
        backends=tuple(entry.name for entry in chosen),
        power=tuple(regime.name for regime in regimes if regime.shows_power) if power else (),
    )


def _keep(folder: Path, pairs: Sequence[JudgedPair]) -> None:
    with (folder / _PAIRS_FILE).open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(pair.as_data(), allow_nan=False) + "\n" for pair in pairs)
