"""Compares all runs of a GAN in a folder, pair by pair, and writes comparison.json."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

import numpy as np

from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.mixed import mixed_yardstick
from gan_rosetta.shared.compare.outputs import evaluate
from gan_rosetta.shared.compare.verdict import PairVerdict, Verdict, judge
from gan_rosetta.shared.compare.yardstick import END, Yardstick, read_yardstick
from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.interface import PRODUCTS
from gan_rosetta.shared.runs.comparison_types import ComparisonRecord, PairRecord
from gan_rosetta.shared.runs.record import Run, read_run
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.storage.documents import write_document

FORMAT = 4
YARDSTICK_FILE = "yardstick.npz"


@dataclass(frozen=True, kw_only=True)
class GanComparison:
    """All runs of one GAN, judged.

    yardsticks: by precision, for runs of it. failures: what runs that left no record had to say.
    """

    spec: GanSpec
    runs: tuple[Run, ...]
    yardsticks: Mapping[str, Yardstick]
    pairs: tuple[PairVerdict, ...]
    failures: Mapping[str, str]

    @property
    def yardstick(self) -> Yardstick:
        """That of the coarsest precision, which every pair is at most as far apart as."""
        return self.yardsticks[min(self.yardsticks, key=_fineness)]

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


def compare_runs(folders: Sequence[Path], spec: GanSpec, failures: Mapping[str, str], /) -> GanComparison:
    """Judge the runs in some folders of one folder and write comparison.json there.

    failures: messages of the runs that left none. Raises RecordError where none of the runs has a yardstick.
    """
    folder = folders[0].parent
    runs = tuple(read_run(own) for own in folders)
    measured = measured_runs(runs)
    if not measured:
        raise RecordError(
            f"{folder} has no run with {YARDSTICK_FILE}, so there is nothing to judge by; run compare again"
        )
    yardsticks = {precision: yardstick_of(run) for precision, run in measured.items()}
    evidence = [gather_evidence(run, spec) for run in runs]
    _require_alike(evidence)
    references = {precision: evidence[runs.index(run)] for precision, run in measured.items()}
    judges = _Judges(yardsticks=yardsticks, references=references, spec=spec)
    pairs = tuple(judges.judge(first, second) for first, second in combinations(evidence, 2))
    comparison = GanComparison(spec=spec, runs=runs, yardsticks=judges.yardsticks, pairs=pairs, failures=failures)
    write_document(folder / "comparison.json", to_json(comparison), number=FORMAT)
    return comparison


def measured_runs(runs: Iterable[Run], /) -> dict[str, Run]:
    """Return the first run with a yardstick of each precision, the coarsest first."""
    found: dict[str, Run] = {}
    for run in runs:
        if (run.folder / YARDSTICK_FILE).exists():
            found.setdefault(run.order.run.precision, run)
    return dict(sorted(found.items(), key=lambda item: _fineness(item[0])))


def _fineness(precision: str) -> tuple[float, int]:
    dtype, _, products = precision.partition(":")
    return -float(np.finfo(dtype).eps), -PRODUCTS.index(products or "full")


@dataclass(frozen=True, kw_only=True)
class _Judges:
    """What judges pairs: of one precision by its yardstick, of two by the coarser one's.

    references: the runs that the yardsticks were measured on. All by precision.
    """

    yardsticks: Mapping[str, Yardstick]
    references: Mapping[str, Evidence]
    spec: GanSpec

    def judge(self, first: Evidence, second: Evidence) -> PairVerdict:
        coarse, fine = sorted((first.precision, second.precision), key=_fineness)
        for precision in (coarse, fine):
            if precision not in self.yardsticks:
                reason = f"the reference left no run in {precision}, so there is nothing to judge by"
                return PairVerdict(pair=(first.name, second.name), verdict="NOT COMPARABLE", reason=reason)
        yardstick = self.yardsticks[coarse]
        if coarse != fine:
            references = (self.references[coarse], self.references[fine])
            yardstick = mixed_yardstick(yardstick, self.yardsticks[fine], *references)
        return judge(first, second, yardstick, self.spec)


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
    hashes, precision = run.record["hashes"], run.order.run.precision
    began = run.record["outcome"]["began_at"]
    return Evidence(
        name=run.name,
        precision=precision,
        identity={
            "spec": hashes["spec"],
            "given state": hashes.get("given_state", ""),
            "initial state": hashes["initial_state"],
            "precision": precision,
            "first step": f"{began['step']}" if began["phase"] == "adversarial" else f"{began['step']} before",
        },
        first_step=began["step"] if began["phase"] == "adversarial" else 0,
        steps_per_epoch=run.record["outcome"].get("steps_per_epoch"),
        tape_digests=hashes["tape"],
        losses=run.losses,
        moments={**run.snapshots, END: {**run.state, **run.snapshots.get(END, {}), **evaluated}},
    )


def _require_alike(evidence: Sequence[Evidence]) -> None:
    """Raise RecordError where two runs of a GAN kept arrays of two shapes under one name, which no two of ours do."""
    known: dict[tuple[str, str], tuple[str, tuple[int, ...]]] = {}
    for run in evidence:
        for label, arrays in run.moments.items():
            for name, array in arrays.items():
                first, shape = known.setdefault((label, name), (run.name, array.shape))
                if shape != array.shape:
                    raise RecordError(
                        f"{name} at {label} has shape {shape} in {first} and {array.shape} in {run.name}; expected one "
                        "shape: run both again"
                    )


def to_json(comparison: GanComparison, /) -> ComparisonRecord:
    """Return a comparison as plain data; infinite differences become the text "inf"."""
    return {
        "gan": comparison.spec.name,
        "verdict": comparison.verdict,
        "yardsticks": {
            precision: {
                "comparable_steps": yardstick.horizon,
                "num_copies": yardstick.tolerance.num_copies,
                "margin": yardstick.tolerance.margin,
            }
            for precision, yardstick in comparison.yardsticks.items()
        },
        "pairs": [_pair_to_json(pair) for pair in comparison.pairs],
        "failures": dict(comparison.failures),
    }


def _pair_to_json(pair: PairVerdict) -> PairRecord:
    largest_state = max(pair.state.items(), key=lambda item: item[1], default=None)
    return {
        "runs": list(pair.pair),
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


def _number(value: float) -> float | Literal["inf"]:
    return value if math.isfinite(value) else "inf"
