"""Compares all runs of a GAN in a folder, pair by pair, and writes comparison.json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from shared.compare.outputs import evaluate
from shared.compare.verdict import Evidence, PairVerdict, Verdict, judge
from shared.compare.yardstick import END, Yardstick, read_yardstick
from shared.errors import RecordError
from shared.harness.documents import write_document
from shared.harness.record import Run, read_run
from shared.spec import GanSpec

FORMAT = 3
YARDSTICK_FILE = "yardstick.npz"


@dataclass(frozen=True, kw_only=True)
class GanComparison:
    """All runs of one GAN, judged. failures: what backends that left no run had to say."""

    spec: GanSpec
    runs: tuple[Run, ...]
    yardstick: Yardstick
    pairs: tuple[PairVerdict, ...]
    failures: Mapping[str, str]

    @property
    def verdict(self) -> Verdict:
        """The worst of the pairs' verdicts; NOT COMPARABLE where there is no pair."""
        found = {pair.verdict for pair in self.pairs}
        if "DISAGREE" in found:
            return "DISAGREE"
        return "AGREE" if found == {"AGREE"} else "NOT COMPARABLE"

    @property
    def worst_pair(self) -> PairVerdict | None:
        """The pair that decides: one that disagrees, else the one that was checked least far."""
        order = {"DISAGREE": 0, "NOT COMPARABLE": 1, "AGREE": 2}
        return min(self.pairs, key=lambda pair: (order[pair.verdict], pair.checked_steps), default=None)


def compare_runs(folder: Path, backends: list[str], spec: GanSpec, failures: Mapping[str, str], /) -> GanComparison:
    """Judge the runs in folder/<backend> and write folder/comparison.json; raises RecordError without the yardstick.

    backends: those that left a run. failures: messages of those that did not.
    """
    runs = tuple(read_run(folder / name) for name in backends)
    measured = [run for run in runs if (run.folder / YARDSTICK_FILE).exists()]
    if not measured:
        raise RecordError(
            f"{folder} has no run with {YARDSTICK_FILE}, so there is nothing to judge by; run compare again"
        )
    yardstick = yardstick_of(measured[0])
    evidence = [gather_evidence(run, spec) for run in runs]
    pairs = tuple(judge(first, second, yardstick, spec) for first, second in combinations(evidence, 2))
    comparison = GanComparison(spec=spec, runs=runs, yardstick=yardstick, pairs=pairs, failures=failures)
    write_document(folder / "comparison.json", to_json(comparison), number=FORMAT)
    return comparison


def yardstick_of(run: Run, /) -> Yardstick:
    """Return the yardstick that was measured with a run; raises RecordError where it cannot be read."""
    path = run.file(YARDSTICK_FILE)
    try:
        return read_yardstick(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordError(f"{path} cannot be read ({type(error).__name__}: {error}); run it again") from None


def gather_evidence(run: Run, spec: GanSpec, /) -> Evidence:
    """Return what of a run on disk goes into a verdict."""
    evaluated = evaluate(spec, run.state, latent=run.samples["latent"], real=run.samples["real"])
    hashes, settings = run.record["hashes"], run.record["settings"]
    began = run.record["outcome"]["began_at"]
    return Evidence(
        name=run.backend,
        dtype=settings["dtype"],
        identity={
            "spec": hashes["spec"],
            "initial state": hashes["initial_state"],
            "dtype": settings["dtype"],
            "first step": f"{began['step']}" if began["phase"] == "adversarial" else f"{began['step']} before",
        },
        first_step=began["step"] if began["phase"] == "adversarial" else 0,
        tape_digests=hashes["tape"],
        losses=run.losses,
        moments={**run.snapshots, END: {**run.state, **run.snapshots.get(END, {}), **evaluated}},
    )


def to_json(comparison: GanComparison, /) -> dict[str, Any]:
    """Return a comparison as plain data; infinite differences become the text "inf"."""
    return {
        "gan": comparison.spec.name,
        "verdict": comparison.verdict,
        "yardstick": {
            "comparable_steps": comparison.yardstick.horizon,
            "num_copies": comparison.yardstick.tolerance.num_copies,
            "margin": comparison.yardstick.tolerance.margin,
        },
        "pairs": [_pair_to_json(pair) for pair in comparison.pairs],
        "failures": dict(comparison.failures),
    }


def _pair_to_json(pair: PairVerdict) -> dict[str, Any]:
    largest_state = max(pair.state.items(), key=lambda item: item[1], default=None)
    return {
        "backends": list(pair.pair),
        "verdict": pair.verdict,
        "reason": pair.reason,
        "findings": [
            {"where": f.where, "difference": _number(f.difference), "allowed": f.allowed} for f in pair.findings
        ],
        "notes": list(pair.notes),
        "checked_steps": pair.checked_steps,
        "num_steps": pair.num_steps,
        "largest_relative_loss_difference": _number(pair.largest),
        "first_step_over": dict(pair.first_over),
        "final_state": {
            "largest": _number(largest_state[1]) if largest_state else None,
            "tensor": largest_state[0] if largest_state else None,
            "by_tensor": {name: _number(value) for name, value in pair.state.items()},
        },
        "samples": None if pair.samples is None else _number(pair.samples),
        "judged_tensors": pair.num_judged,
        "left_out": list(pair.left_out),
    }


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else "inf"
