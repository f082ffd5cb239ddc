"""What the terminal shows of GANs, backends and runs; no name in it is ever cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Column, Table
from rich.text import Text

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.compare.verdict import PairVerdict
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.report.diagnose_command import diagnose_command
from gan_rosetta.shared.report.listing import aligned
from gan_rosetta.shared.runs.comparison import GanComparison
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.workers.registry import installed_version

_VERDICT_STYLES = {"AGREE": "green", "DISAGREE": "bold red", "NOT COMPARABLE": "yellow"}


def gan_table() -> Table:
    """Return the catalogue: name, what it is, batch size and published steps."""
    table = Table(_whole("GAN"), "What it is", "Batch", "Steps", title="GANs", title_justify="left")
    for spec in CATALOGUE.values():
        pretraining = f"{spec.pretraining.num_steps} + " if spec.pretraining is not None else ""
        table.add_row(spec.name, spec.title, str(spec.batch_size), f"{pretraining}{spec.training.num_steps}")
    return table


def backend_table(
    devices: Mapping[str, Sequence[str]], problems: Mapping[str, str], pythons: Mapping[str, str]
) -> Table:
    """Return the backends: version, executions and devices, or how to install what is missing."""
    table = Table(_whole("Backend"), title="Backends", title_justify="left")
    for header in ("Framework", "Version", "Executions", "Devices"):
        table.add_column(header, overflow="fold")
    for name, entry in BACKENDS.items():
        version = installed_version(entry, pythons.get(name))
        if version is None:
            table.add_row(name, entry.title, Text("not installed", style="yellow"), entry.install_hint, "")
        else:
            found = problems.get(name) or ", ".join(devices.get(name, ()))
            table.add_row(name, entry.title, version, ", ".join(entry.executions), found)
    for name, problem in BACKENDS.problems.items():
        table.add_row(name, Text("cannot be used", style="yellow"), "", problem, "")
    return table


def comparison_lines(comparison: GanComparison, /) -> list[Text]:
    """Return what came of a comparison: a line with the verdict and where runs part, and lines of what else to know."""
    first, *others = _where_they_part(comparison)
    style = _VERDICT_STYLES[comparison.verdict]
    lines = [Text.assemble(f"{comparison.spec.name}: ", (comparison.verdict, style), f": {first}")]
    lines += [Text(f"  {line}") for line in others]
    lines += [Text(f"  {name} failed: {message}", style="red") for name, message in comparison.failures.items()]
    return lines


def speed_lines(comparisons: Iterable[GanComparison], /) -> list[str]:
    """Return a line a run: GAN, run, steps taken, steps a second."""
    rows = [
        (run.gan if index == 0 else "", run.name, str(len(run.losses["generator"])), _speed(run))
        for comparison in comparisons
        for index, run in enumerate(comparison.runs)
    ]
    return aligned([("GAN", "run", "steps", "steps a second"), *rows], right=(2, 3)) if rows else []


def pair_lines(comparison: GanComparison, /) -> list[Text]:
    """Return a line a pair of runs, and below it why, or each of its findings."""
    lines = [Text(f"{comparison.spec.name}, each pair of runs:", style="bold")]
    for pair in comparison.pairs:
        apart = "identical losses" if pair.largest == 0 else f"losses within {pair.largest:.1e}"
        first = pair.first_over.get("1e-09")
        numbers = f": {apart}{f', over 1e-9 first at {first}' if first else ''}" if pair.num_steps else ""
        verdict = (pair.verdict, _VERDICT_STYLES[pair.verdict])
        lines.append(Text.assemble(f"{' and '.join(pair.pair)}: ", verdict, numbers))
        lines += [Text(f"  {reason}") for reason in pair.findings or (pair.reason,)]
    return lines


def run_lines(runs: Sequence[Run], /) -> list[str]:
    """Return a line a run: steps taken, last losses, steps a second; below them the folder of each."""
    rows = []
    named = {"discriminator": "D", "generator": "G"}
    named |= {"joint": "both"} if any("joint" in run.losses for run in runs) else {}
    for run in runs:
        last = (f"{run.losses[name][-1]:.6g}" if name in run.losses else "" for name in named)
        rows.append((run.gan, run.name, str(len(run.losses["generator"])), *last, _speed(run)))
    header = ("GAN", "run", "steps", *(f"last loss of {player}" for player in named.values()), "steps a second")
    folders = [f"Folder of {run.gan} on {run.name}: {run.folder}" for run in runs]
    return [*aligned([header, *rows], right=tuple(range(2, len(header)))), *folders]


def _where_they_part(comparison: GanComparison) -> list[str]:
    lines = []
    worst = comparison.worst_pair
    if worst is None:
        lines.append("a comparison needs two runs")
    elif worst.verdict == "AGREE":
        lines.append(_agreement(comparison, worst))
    else:
        lines.append(f"{' and '.join(worst.pair)}: {worst.reason}")
        others = sum(pair.verdict == worst.verdict for pair in comparison.pairs) - 1
        lines += [f"and {others} other {'pair' if others == 1 else 'pairs'}"] if others else []
        command = diagnose_command(comparison.runs, worst.pair) if worst.verdict == "DISAGREE" else ""
        lines += [f"look into it: {command}"] if command else []
    published = CATALOGUE.get(comparison.spec.name)
    if published is not None and published.batch_size != comparison.spec.batch_size:
        lines.append(f"batches of {comparison.spec.batch_size}, published with {published.batch_size}")
    notes = {note for pair in comparison.pairs for note in pair.notes if "NaN" in note or "yardstick" in note}
    lines += sorted(notes)[:2]
    return lines


def _agreement(comparison: GanComparison, worst: PairVerdict) -> str:
    checked, total = worst.checked_steps, worst.num_steps
    largest = max(pair.largest for pair in comparison.pairs)
    left_out = max(len(pair.left_out) for pair in comparison.pairs)
    without = f"; {left_out} tensors left out, which rounding decides" if left_out else ""
    if checked == total:
        close = "identical losses" if largest == 0 else f"losses within {largest:.0e}"
        return f"nowhere in {total} steps; {close}{without}"
    if comparison.yardstick.horizon == checked < len(comparison.yardstick.noise["generator"]):
        return f"nowhere in {checked} of {total} steps; then rounding alone explains any difference{without}"
    return f"nowhere in the {checked} of {total} steps that the reference took{without}"


def _speed(run: Run) -> str:
    speed = run.record["timings"]["steps_per_second"]
    return "n/a" if speed is None else f"{speed:,.0f}" if speed >= 10 else f"{speed:.2f}"


def _whole(title: str) -> Column:
    """Return a column of names, each whole in a line of its own, so that it can be copied."""
    return Column(title, no_wrap=True)
