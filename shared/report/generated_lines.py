"""What came of GANs drawn at random, in lines for the terminal."""

from __future__ import annotations

import shlex

from gan_rosetta.shared.generate.session import Failure, Summary


def failure_lines(summary: Summary, /) -> list[str]:
    """Return of each GAN on which a backend was off what was found, and the command that looks into it."""
    return [line for failure in summary.failures for line in _failure_lines(failure, summary)]


def _failure_lines(failure: Failure, summary: Summary) -> list[str]:
    what = "shrunk" if failure.shrunk else "as drawn"
    lines = [f"{failure.backend}, GAN {failure.index}, {what}: {failure.finding}"]
    if failure.path is not None:
        planted = "" if summary.plan.fault is None else f" --plant {summary.plan.fault}"
        how = f"--backends {failure.backend} --execution {summary.plan.execution}{planted}"
        lines.append(f"  gan-rosetta diagnose --spec {shlex.quote(str(failure.path))} {how}")
    return lines


def summary_line(summary: Summary, /) -> str:
    """Return in a line how many GANs were checked, on what, and what it took."""
    busy = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in summary.seconds_by_worker.items())
    rate = summary.num_specs / summary.seconds
    return (
        f"{summary.num_specs} GANs on {', '.join(summary.plan.backends)}: {len(summary.failures)} disagreements, "
        f"{summary.seconds:.0f} s, {rate:.1f} GANs/s ({busy})"
    )
