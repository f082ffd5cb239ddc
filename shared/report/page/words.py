"""What the page says in words: the verdict, the command that reproduces it, what the runs ran on."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gan_rosetta.backends import BACKENDS, REFERENCE
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.report.page.collect import GanRuns, Judgement, PairResult
from gan_rosetta.shared.runs.order import DEFAULT_SEED, Order
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.spec import GanSpec

_DEFAULTS = {
    "execution": "auto",
    "device": "cpu",
    "mnist": None,
    "images": None,
    "initial_state": None,
    "first_step": None,
    "tape": None,
}
_GIBIBYTE = 2**30


def verdict_sentence(gan: GanRuns, /) -> str:
    """Say what came of a comparison, or that there is none."""
    judgement = gan.judgement
    if judgement is None:
        count = len(gan.runs)
        return "No run finished." if not count else "One run, compared with nothing." if count == 1 else "Not compared."
    failed = f" No run from {_listed(sorted(judgement.failures))}." if judgement.failures else ""
    if not judgement.pairs:
        return f"A comparison needs two runs.{failed}"
    worst = _worst(judgement)
    if worst.verdict == "AGREE":
        who = "Both runs agree" if len(judgement.pairs) == 1 else f"All {len(judgement.pairs)} pairs agree"
        largest = max((float(pair.largest) for pair in judgement.pairs), default=0.0)
        close = f"losses within {largest:.0e}" if largest else "identical losses"
        within = f"; {close}" if worst.checked_steps == worst.num_steps else ""
        return f"{who}: {worst.reason}{within}.{failed}"
    same = sum(pair.verdict == worst.verdict for pair in judgement.pairs)
    others = f" So do {same - 1} other pairs." if same > 1 and worst.verdict == "DISAGREE" else ""
    word = "disagree" if worst.verdict == "DISAGREE" else "cannot be compared"
    return f"{' and '.join(worst.runs)} {word}: {worst.reason}.{others}{failed}"


def _worst(judgement: Judgement) -> PairResult:
    order = {"DISAGREE": 0, "NOT COMPARABLE": 1, "AGREE": 2}
    return min(judgement.pairs, key=lambda pair: (order[pair.verdict], pair.checked_steps))


def reproduce_command(gan: GanRuns, /) -> str:
    """Return the command that makes a GAN's runs again, into a fresh folder; empty where no run finished."""
    if not gan.runs:
        return ""
    # The reference may have been given fewer steps than were asked for, and a device of its own.
    run = next((run for run in gan.runs if run.backend != REFERENCE), gan.runs[0])
    order = run.order
    is_comparison = gan.judgement is not None
    words = ["gan-rosetta", "compare" if is_comparison else "train"]
    words += [gan.name] if order.source is None else ["--spec", order.source]
    names = [run.name for run in gan.runs] + sorted(gan.judgement.failures if gan.judgement else ())
    if is_comparison:
        words += ["--backends" if all(name in BACKENDS for name in names) else "--runs", ",".join(names)]
    else:
        words += ["--backend", run.backend] if run.name == run.backend else ["--runs", run.name]
    words += ["--dtype", order.run.dtype]
    words += ["--seed", str(order.feed.seed)] if order.feed.seed != DEFAULT_SEED else []
    words += _size_options(order)
    said = {**vars(order.run), **vars(order.feed)}
    for name, default in _DEFAULTS.items():
        if said[name] != default:
            words += [_option(name), str(said[name])]
    words += ["--threads", str(order.run.threads)]
    words += ["--keep-going"] if order.course.keep_going else []
    words += ["--seeds", str(order.course.num_seeds)] if order.course.num_seeds > 1 else []
    return shlex.join(words)


def _size_options(order: Order) -> list[str]:
    """Return the options that say how long a run's GAN is trained and in which batches, where the GAN's name does not.

    The steps of the reference are those that were planned, of which it may have been given fewer.
    """
    own = None
    if order.source is None and order.gan in CATALOGUE:
        own = _sizes(make_request(order.gan).resolve())
    sizes = _sizes(order.spec.with_steps(training=order.course.planned_steps))
    return [
        word
        for name, size in sizes.items()
        if size is not None and (own is None or own[name] != size)
        for word in (_option(name), str(size))
    ]


def _sizes(spec: GanSpec) -> dict[str, int | None]:
    pretraining = None if spec.pretraining is None else spec.pretraining.num_steps
    return {"steps": spec.training.num_steps, "pretrain_steps": pretraining, "batch_size": spec.batch_size}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def machines(runs: Iterable[Run], /) -> list[str]:
    """Return the machines that runs ran on, each once, in a line."""
    lines = []
    for run in runs:
        machine: Mapping[str, Any] = run.record["machine"]
        memory = machine.get("memory_bytes")
        size = f", {memory / _GIBIBYTE:.0f} GiB of memory" if isinstance(memory, int | float) else ""
        cores = f"{machine.get('logical_cores', '?')} logical cores"
        processor, system = machine.get("processor", "unknown processor"), machine.get("system", "unknown system")
        lines.append(f"{processor}, {cores}{size}, {system}")
    return list(dict.fromkeys(lines))


def versions(runs: Iterable[Run], /) -> list[tuple[str, str]]:
    """Return the packages that runs used and their versions, several where runs differ."""
    found: dict[str, list[str]] = {}
    for run in runs:
        for name, version in run.record["versions"].items():
            if str(version) not in found.setdefault(str(name), []):
                found[str(name)].append(str(version))
    return [(name, ", ".join(entries)) for name, entries in found.items()]


def throughput_rows(runs: Sequence[Run], labels: Sequence[str], /) -> list[list[str]]:
    """Return a row for each run: label, steps a second, seconds of building, how it ran, and how it ended."""
    rows = []
    for run, label in zip(runs, labels, strict=True):
        setup, timings, outcome = run.order.run, run.record["timings"], run.record["outcome"]
        how = f"{run.record.get('execution', '?')}, {setup.device}, {setup.dtype}"
        threads = setup.threads
        rows.append(
            [
                label,
                number(timings.get("steps_per_second")),
                number(timings.get("build_seconds")),
                f"{how}, {threads} {'thread' if threads == 1 else 'threads'}",
                str(len(run.losses["generator"])),
                str(outcome.get("status", "?")),
            ]
        )
    return rows


def number(value: object, /) -> str:
    """Return a number in about three digits, "n/a" where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "n/a"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"


def amount(value: float | str, /) -> str:
    """Return a relative difference as text."""
    size = float(value)
    return "identical" if size == 0 else "infinite" if math.isinf(size) else f"{size:.1e}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
