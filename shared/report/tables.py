"""The tables of the terminal, with rich."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Column, Table
from rich.text import Text

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.compare.verdict import PairVerdict
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.runs.comparison import GanComparison
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.workers.registry import installed_version

_VERDICT_STYLES = {"AGREE": "green", "DISAGREE": "bold red", "NOT COMPARABLE": "yellow"}


def gan_table() -> Table:
    """Return the catalogue: name, what it is, batch size and published steps."""
    table = Table("GAN", "What it is", "Batch", "Steps", title="GANs", title_justify="left")
    for spec in CATALOGUE.values():
        pretraining = f"{spec.pretraining.num_steps} + " if spec.pretraining is not None else ""
        table.add_row(spec.name, spec.title, str(spec.batch_size), f"{pretraining}{spec.training.num_steps}")
    return table


def backend_table(
    devices: Mapping[str, Sequence[str]], problems: Mapping[str, str], pythons: Mapping[str, str]
) -> Table:
    """Return the backends: version, executions and devices, or how to install what is missing."""
    table = Table("Backend", "Framework", "Version", "Executions", "Devices", title="Backends", title_justify="left")
    for name, entry in BACKENDS.items():
        version = installed_version(entry, pythons.get(name))
        if version is None:
            table.add_row(name, entry.title, "[yellow]not installed[/]", entry.install_hint, "")
        else:
            found = problems.get(name) or ", ".join(devices.get(name, ()))
            table.add_row(name, entry.title, version, ", ".join(entry.executions), found)
    for name, problem in BACKENDS.problems.items():
        table.add_row(name, "[yellow]cannot be used[/]", "", problem, "")
    return table


def comparison_lines(comparison: GanComparison, /) -> list[Text]:
    """Return what came of a comparison: a line with the verdict and where runs part, and lines of what else to know."""
    first, *others = _where_they_part(comparison)
    style = _VERDICT_STYLES[comparison.verdict]
    lines = [Text.assemble(f"{comparison.spec.name}: ", (comparison.verdict, style), f": {first}")]
    lines += [Text(f"  {line}") for line in others]
    lines += [Text(f"  {name} failed: {message}", style="red") for name, message in comparison.failures.items()]
    return lines


def comparison_table(comparisons: Iterable[GanComparison], /) -> Table:
    """Return one row a GAN: runs, verdict, steps a second."""
    table = Table(_whole("GAN"), _whole("Runs"), Column("Verdict", no_wrap=True), "Steps a second", show_lines=True)
    for comparison in comparisons:
        style = _VERDICT_STYLES[comparison.verdict]
        table.add_row(
            comparison.spec.name,
            "\n".join(run.name for run in comparison.runs),
            f"[{style}]{comparison.verdict}[/]",
            "\n".join(_speed(run) for run in comparison.runs),
        )
    return table


def pair_table(comparison: GanComparison, /) -> Table:
    """Return one row a pair of runs, with every finding."""
    table = Table(
        _whole("Pair"),
        "Verdict",
        "Largest loss difference",
        "First step over 1e-9",
        _whole("Why"),
        title=comparison.spec.name,
    )
    for pair in comparison.pairs:
        style = _VERDICT_STYLES[pair.verdict]
        findings = "\n".join(str(finding) for finding in pair.findings) or pair.reason
        first = pair.first_over.get("1e-09") or "never"
        table.add_row(" and ".join(pair.pair), f"[{style}]{pair.verdict}[/]", f"{pair.largest:.1e}", first, findings)
    return table


def run_table(runs: Iterable[Run], /) -> Table:
    """Return one row a run: steps taken, last losses, steps a second."""
    table = Table(_whole("GAN"), _whole("Run"), "Steps", "Last loss of D", "Last loss of G", "Steps a second")
    for run in runs:
        discriminator, generator = run.losses["discriminator"], run.losses["generator"]
        table.add_row(
            run.gan,
            run.name,
            str(len(generator)),
            f"{discriminator[-1]:.6g}",
            f"{generator[-1]:.6g}",
            _speed(run),
        )
    return table


def _whole(title: str) -> Column:
    """Return a column of names, which a narrow terminal breaks but does not cut off."""
    return Column(title, overflow="fold")


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
        lines += [f"and {others} other pairs"] if others else []
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
        close = "the same losses" if largest == 0 else f"losses within {largest:.0e}"
        return f"nowhere in {total} steps; {close}{without}"
    if comparison.yardstick.horizon == checked < len(comparison.yardstick.noise["generator"]):
        return f"nowhere in {checked} of {total} steps; then rounding alone explains any difference{without}"
    return f"nowhere in the {checked} of {total} steps that the reference took{without}"


def _speed(run: Run) -> str:
    speed = run.record["timings"]["steps_per_second"]
    return "n/a" if speed is None else f"{speed:,.0f}" if speed >= 10 else f"{speed:.2f}"
