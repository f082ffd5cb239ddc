"""What came of a sweep, in lines: of each GAN and run the settings with the best samples, and what failed."""

from __future__ import annotations

from gan_rosetta.shared.report.listing import aligned
from gan_rosetta.shared.sweeps.session import Swept
from gan_rosetta.shared.sweeps.table import Setting

HEADERS = ("GAN", "run", "setting", "median", "quartiles", "seeds", "happened")
_MOST_OF_EACH = 5
_MOST_FAILURES = 10


def sweep_lines(swept: Swept, /) -> list[str]:
    """Return how much was done, the best settings of each GAN in each run, and what failed."""
    failed, total = swept.failures, len(swept.rows)
    said = f"{total} job{'s' * (total != 1)}"
    said += f", {swept.num_found} of them done before" if swept.num_found else ""
    said += f", {len(failed)} failed" if failed else ""
    lines = [said]
    if swept.outcomes:
        unit = swept.units[swept.outcomes[0]]
        lines.append(f"  {swept.outcomes[0]}, in {unit}: the smallest medians of each run")
        lines += [f"  {line}" for line in aligned([HEADERS, *sweep_rows(swept)], right=(3, 4, 5))]
    for row in failed[:_MOST_FAILURES]:
        order = row.job.order
        lines.append(f"  {order.gan} on {order.run_name}, seed {order.feed.seed}: {row.message}")
    if len(failed) > _MOST_FAILURES:
        lines.append(f"  and {len(failed) - _MOST_FAILURES} more")
    return lines


def sweep_rows(swept: Swept, /) -> list[tuple[str, ...]]:
    """Return the cells of the best settings, as HEADERS has them, by the first outcome, of which less is better."""
    outcome = swept.outcomes[0]
    by_run: dict[tuple[str, str], list[tuple[float, Setting]]] = {}
    for setting in swept.settings():
        found = setting.quartiles(outcome)
        if found is not None:
            by_run.setdefault((setting.gan, setting.run), []).append((found[1], setting))
    rows: list[tuple[str, ...]] = []
    for settings in by_run.values():
        settings.sort(key=lambda each: each[0])
        rows += [_cells(setting, outcome) for _, setting in settings[:_MOST_OF_EACH]]
    return rows


def _cells(setting: Setting, outcome: str) -> tuple[str, ...]:
    low, middle, high = setting.quartiles(outcome) or (0.0, 0.0, 0.0)
    happenings = dict.fromkeys(name for row in setting.rows for name in row.happened)
    happened = (f"{setting.count(name)} {name}" for name in happenings if setting.count(name))
    told = ", ".join(f"{short_name(path)} {value}" for path, value in setting.settings.items())
    return (
        setting.gan,
        setting.run,
        told or "as it is",
        f"{middle:.4g}",
        f"{low:.3g} to {high:.3g}",
        str(len(setting.rows)),
        ", ".join(happened),
    )


def short_name(path: str, /) -> str:
    """Return a field's path without what goes without saying."""
    return ".".join(part for part in path.split(".") if part not in ("training", "layers", "value"))
