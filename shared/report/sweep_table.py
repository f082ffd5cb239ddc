"""What came of a sweep, in lines: of each GAN and run the settings with the best samples, and what failed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gan_rosetta.shared.report.listing import aligned
from gan_rosetta.shared.sweeps.session import Swept
from gan_rosetta.shared.sweeps.table import Row, Setting, SweepTable

HEADERS = ("GAN", "run", "setting", "median", "quartiles", "seeds", "happened")
AS_IT_IS = "as it is"
_MOST_OF_EACH = 5
_MOST_FAILURES = 10


def sweep_lines(swept: Swept, /) -> list[str]:
    """Return how much was done, the best settings of each GAN in each run, and what failed."""
    failed, total = swept.failures, len(swept.rows)
    said = f"{total} job{'s' * (total != 1)}"
    said += f", {swept.num_found} of them done before" if swept.num_found else ""
    said += f", {len(failed)} failed" if failed else ""
    lines = [said]
    by_outcome: dict[str, list[str]] = {}
    for gan in swept.gans:
        for outcome in swept.outcomes_of(gan)[:1]:
            by_outcome.setdefault(outcome, []).append(gan)
    for outcome, gans in by_outcome.items():
        lines.append(f"  {outcome}, in {swept.units[outcome]}: the smallest medians of each run")
        rows = [row for gan in gans for row in best_rows(swept, gan)]
        lines += [f"  {line}" for line in aligned([HEADERS, *rows], right=(3, 4, 5))]
    lines += [f"  {failure_line(row)}" for row in failed[:_MOST_FAILURES]]
    if len(failed) > _MOST_FAILURES:
        lines.append(f"  and {len(failed) - _MOST_FAILURES} more")
    return lines


def failure_line(row: Row, /) -> str:
    """Return which job failed, and what it had to say."""
    where = f", {told_settings(row.settings)}" if row.settings else ""
    return f"{row.gan} on {row.run}{where}, seed {row.seed}: {row.message}"


def told_settings(settings: Mapping[str, Any], /) -> str:
    """Return the values of fields in a line."""
    return ", ".join(f"{short_name(path)} {value_label(value)}" for path, value in settings.items()) or AS_IT_IS


def sweep_rows(table: SweepTable, /) -> list[tuple[str, ...]]:
    """Return the cells of the best settings of all GANs, as HEADERS has them."""
    return [row for gan in table.gans for row in best_rows(table, gan)]


def best_rows(table: SweepTable, gan: str, /) -> list[tuple[str, ...]]:
    """Return the cells of a GAN's best settings in each run, by its first outcome, of which less is better."""
    rows: list[tuple[str, ...]] = []
    for outcome in table.outcomes_of(gan)[:1]:
        by_run: dict[str, list[tuple[float, Setting]]] = {}
        for setting in table.settings():
            found = setting.quartiles(outcome) if setting.gan == gan else None
            if found is not None:
                by_run.setdefault(setting.run, []).append((found[1], setting))
        for settings in by_run.values():
            settings.sort(key=lambda each: each[0])
            rows += [setting_cells(setting, outcome) for _, setting in settings[:_MOST_OF_EACH]]
    return rows


def setting_cells(setting: Setting, outcome: str, /) -> tuple[str, ...]:
    """Return a setting's cells, as HEADERS has them; quartiles are over the seeds in which the outcome is finite."""
    found = setting.quartiles(outcome)
    happenings = dict.fromkeys(name for row in setting.rows for name in row.happened)
    counts = {name: setting.count(name) for name in happenings} | {
        "failed": sum(bool(row.message) for row in setting.rows)
    }
    return (
        setting.gan,
        setting.run,
        told_settings(setting.settings),
        "none" if found is None else f"{found[1]:.4g}",
        "" if found is None else f"{found[0]:.3g} to {found[2]:.3g}",
        str(len(setting.rows)),
        ", ".join(f"{count} {name}" for name, count in counts.items() if count),
    )


def best_by_value(settings: Sequence[Setting], path: str, outcome: str, /) -> dict[str, Setting | None]:
    """Return the setting with the smallest median of an outcome at each value of a field, by the value as it is shown.

    path: "" for none, which is one value, AS_IT_IS. None where no training has a finite outcome.
    """
    best: dict[str, Setting | None] = {}
    medians: dict[str, float] = {}
    for setting in settings:
        label, found = value_label(setting.settings.get(path, AS_IT_IS)), setting.quartiles(outcome)
        best.setdefault(label, None)
        if found is not None and found[1] < medians.get(label, math.inf):
            best[label], medians[label] = setting, found[1]
    return best


def value_label(value: Any, /) -> str:
    """Return a field's value as it is shown."""
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def short_name(path: str, /) -> str:
    """Return a field's path without what goes without saying."""
    return ".".join(part for part in path.split(".") if part not in ("training", "layers", "value"))
