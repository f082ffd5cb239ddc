"""Pairs of right runs, judged: the verdict, and how near the pair came to the limit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.verdict import Verdict, judge
from gan_rosetta.shared.compare.yardstick import END, Yardstick
from gan_rosetta.shared.interface import loss_label
from gan_rosetta.shared.spec import GanSpec

Kind = Literal["backends", "copies"]
_MOST_FINDINGS = 5


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Under what a pair was trained. kind: of the pair, backends or copies of the reference."""

    regime: str
    dtype: str
    execution: str
    kind: Kind = "backends"

    def __str__(self) -> str:
        return f"{self.regime}, {self.dtype}, {self.execution}"


@dataclass(frozen=True, kw_only=True)
class JudgedPair:
    """One pair of right runs. share: the largest difference / allowed of all that was judged, at `where`.

    difference, allowed: there. findings: the first few of num_findings, in words. num_quantities: losses, tensors and
    outputs that were judged, over all moments; num_left_out: those of which rounding explains any difference.
    """

    cell: Cell
    seed: int
    pair: tuple[str, str]
    verdict: Verdict
    reason: str
    findings: tuple[str, ...]
    share: float
    where: str
    difference: float
    allowed: float
    checked_steps: int
    num_steps: int
    num_findings: int
    num_quantities: int
    num_left_out: int

    def as_data(self) -> dict[str, Any]:
        """Return the pair as plain data; an infinite number becomes text."""
        data = asdict(self) | {"cell": asdict(self.cell), "pair": list(self.pair), "findings": list(self.findings)}
        return {key: _plain(value) for key, value in data.items()}

    @classmethod
    def from_data(cls, data: Mapping[str, Any], /) -> JudgedPair:
        """Return the pair of what as_data gave."""
        own = dict(data) | {"cell": Cell(**data["cell"])}
        own |= {"pair": tuple(data["pair"]), "findings": tuple(data["findings"])}
        own |= {key: float(data[key]) for key in ("share", "difference", "allowed")}
        return cls(**own)


def judge_pairs(
    evidence: Sequence[Evidence], yardstick: Yardstick, spec: GanSpec, /, *, cell: Cell, seed: int
) -> list[JudgedPair]:
    """Judge every two of some right runs from one state and tape."""
    return [
        _judge((first, second), yardstick, spec, cell=cell, seed=seed) for first, second in combinations(evidence, 2)
    ]


def _judge(
    runs: tuple[Evidence, Evidence], yardstick: Yardstick, spec: GanSpec, *, cell: Cell, seed: int
) -> JudgedPair:
    first, second = runs
    verdict = judge(first, second, yardstick, spec)
    where, difference, allowed = nearest_to_limit(first, second, yardstick)
    return JudgedPair(
        cell=cell,
        seed=seed,
        pair=(first.name, second.name),
        verdict=verdict.verdict,
        reason=verdict.reason,
        findings=tuple(str(finding) for finding in verdict.findings[:_MOST_FINDINGS]),
        share=_share(difference, allowed),
        where=where,
        difference=difference,
        allowed=allowed,
        checked_steps=verdict.checked_steps,
        num_steps=verdict.num_steps,
        num_findings=len(verdict.findings),
        num_quantities=verdict.num_judged + sum(len(losses) > 0 for losses in first.losses.values()),
        num_left_out=len(verdict.left_out),
    )


def nearest_to_limit(first: Evidence, second: Evidence, yardstick: Yardstick, /) -> tuple[str, float, float]:
    """Return where two runs came nearest to what is allowed, or went furthest beyond: place, difference, allowed.

    Of all that `judge` judges: losses up to the horizon, their largest difference so far; tensors and outputs at every
    moment that both have, without counters and what rounding explains whatever it is.
    """
    found = [("nothing", 0.0, 1.0)]
    for name in yardstick.noise:
        differences = yardstick.loss_differences(name, first.losses[name], second.losses[name])
        allowed = yardstick.allowed_losses(name)
        known = len(allowed) if name == "pretraining" else yardstick.horizon
        count = min(len(differences), known)
        if count:
            running = np.maximum.accumulate(differences[:count])
            step = int(np.argmax(running / allowed[:count]))
            found.append((f"{loss_label(name)} at step {step}", float(running[step]), float(allowed[step])))
    is_whole = yardstick.horizon >= first.num_steps == second.num_steps
    for label, noise in yardstick.tensors.items():
        if label not in first.moments or label not in second.moments or (label == END and not is_whole):
            continue
        for name, amount in noise.items():
            limit = yardstick.tolerance.allowed(amount, is_counter=name.endswith(".step"))
            mine, theirs = first.moments[label].get(name), second.moments[label].get(name)
            if mine is None or theirs is None or not 0.0 < limit < 1.0:
                continue
            found.append((f"{name} at {label}", tensor_difference(mine, theirs), limit))
    return max(found, key=lambda entry: _share(entry[1], entry[2]))


def _share(difference: float, allowed: float) -> float:
    return difference / allowed if math.isfinite(difference) else math.inf


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
