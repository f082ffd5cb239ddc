"""The judgement on a program: the one that runs of the suite get, with the first place where the program parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np

from gan_rosetta.shared.cases.walking import Walk
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.finding import Finding
from gan_rosetta.shared.compare.verdict import PairVerdict, Verdict, judge
from gan_rosetta.shared.compare.yardstick import LOSS_NAMES, Yardstick
from gan_rosetta.shared.diagnose.explanation import Explanation
from gan_rosetta.shared.diagnose.job import row_from_data
from gan_rosetta.shared.diagnose.rows import Row, compare_quantity
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.spec import GanSpec

FORMAT = 2


@dataclass(frozen=True, kw_only=True)
class LossSummary:
    """One loss of a program beside the reference's, over the steps that were judged of those recorded.

    largest: the largest difference there, relative to the loss or to what it is made of.
    """

    name: str
    num_recorded: int
    num_judged: int
    largest: float


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What is said of a program.

    verdict: "AGREE", "DISAGREE" or "NOT COMPARABLE"; reason: why, in words. first: the first quantity, in order of
    execution, that is off, with its step, its difference and the noise; None where none is. cause: why it is off, as
    far as that could be told; None where nothing is. num_steps: adversarial steps of the case, of which checked_steps
    were judged. notes: what should be known besides. rows: all that was seen
    of the first's step, in order of execution; seen: how many quantities of each kind were compared, in watched_steps
    steps; both of a watched program.
    """

    gan: str
    dtype: str
    verdict: Verdict
    reason: str
    first: Row | None
    checked_steps: int
    num_steps: int
    losses: tuple[LossSummary, ...]
    cause: Explanation | None = None
    notes: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    seen: Mapping[str, int] = field(default_factory=dict)
    watched_steps: int = 0

    @property
    def sentence(self) -> str:
        """The judgement in one sentence."""
        return f"{self.gan}: {self.verdict}, {self.reason}"

    @property
    def largest(self) -> float:
        """The largest difference of a loss in the steps that were judged."""
        return max((loss.largest for loss in self.losses), default=0.0)

    @property
    def step(self) -> str | None:
        """The step that is the first to be off, such as "pretraining step 3" or "step 12"; None where none is."""
        return None if self.first is None else self.first.visit

    def assert_agrees(self) -> None:
        """Raise AssertionError, which names the first place and the cause, unless the verdict is AGREE."""
        if self.verdict != "AGREE":
            why = () if self.cause is None else (self.cause.sentence,)
            raise AssertionError("\n".join([self.sentence, *why, *self.notes]))

    def as_data(self) -> dict[str, Any]:
        """Return the judgement as plain data."""
        return {
            "format": FORMAT,
            "gan": self.gan,
            "dtype": self.dtype,
            "verdict": self.verdict,
            "reason": self.reason,
            "first": None if self.first is None else self.first.as_data(),
            "cause": None if self.cause is None else self.cause.as_data(),
            "checked_steps": self.checked_steps,
            "num_steps": self.num_steps,
            "losses": [
                {
                    "name": loss.name,
                    "recorded": loss.num_recorded,
                    "judged": loss.num_judged,
                    "largest_relative_difference": loss.largest if math.isfinite(loss.largest) else "inf",
                }
                for loss in self.losses
            ],
            "seen": dict(self.seen),
            "watched_steps": self.watched_steps,
            "rows": [row.as_data() for row in self.rows],
            "notes": list(self.notes),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any], /) -> Self:
        """Return the judgement from what as_data gave."""
        own = {field.name: data[field.name] for field in fields(cls)}
        losses = tuple(
            LossSummary(
                name=loss["name"],
                num_recorded=loss["recorded"],
                num_judged=loss["judged"],
                largest=float(loss["largest_relative_difference"]),
            )
            for loss in data["losses"]
        )
        rows = tuple(row_from_data(row) for row in data["rows"])
        first = None if data["first"] is None else row_from_data(data["first"])
        cause = None if data["cause"] is None else Explanation.from_data(data["cause"])
        read = {"first": first, "cause": cause, "losses": losses, "rows": rows, "notes": tuple(data["notes"])}
        return cls(**{**own, **read})


def judge_program(
    program: Evidence,
    dtypes: Sequence[str],
    /,
    *,
    reference: Evidence,
    yardstick: Yardstick,
    spec: GanSpec,
    walk: Walk | None = None,
    notes: Sequence[str] = (),
    explain: Callable[[Visit, bool], Explanation] | None = None,
) -> Judgement:
    """Return the judgement on what a program recorded: losses of each step, and samples of its end where it left some.

    dtypes: the types in which the program had the losses. walk: what was seen besides, of a watched program. explain:
    says why the program parts, from its first step that is off and whether all of its losses agree; no cause is looked
    for without it. The verdict is that on two runs, unless a quantity that was seen is off; a program of which steps
    are missing never agrees.
    """
    losses = program.losses
    pair = judge(reference, program, yardstick, spec)
    verdict, reason = pair.verdict, pair.reason
    visit, first = _first(pair, losses, reference, yardstick, spec=spec, walk=walk)
    lacking = _lacking(losses, spec)
    if first is not None:
        verdict = "DISAGREE"
        reason = f"first in {first.place}: {first.amount}"
    elif lacking:
        verdict, reason = "NOT COMPARABLE", f"{lacking}; nothing is said of a program that was not seen to its end"
    return Judgement(
        gan=spec.name,
        dtype=reference.precision,
        verdict=verdict,
        reason=reason,
        first=first,
        checked_steps=pair.checked_steps,
        num_steps=spec.training.num_steps,
        losses=tuple(_summaries(losses, reference, yardstick, pair.checked_steps)),
        cause=None if visit is None or explain is None else explain(visit, not pair.findings),
        notes=(
            *notes,
            *([lacking] if first is not None and lacking else []),
            *_note_on_types(dtypes, reference.precision, verdict),
        ),
        rows=tuple(walk.rows) if walk is not None and walk.first is not None else (),
        seen={} if walk is None else dict(walk.counts),
        watched_steps=0 if walk is None else walk.num_steps,
    )


def _lacking(losses: Mapping[str, np.ndarray], spec: GanSpec) -> str:
    """Say which steps were not recorded; "" where all were."""
    pretraining = spec.num_pretraining_steps
    for phase, name, total in (
        ("pretraining ", "pretraining", pretraining),
        ("", "generator", spec.training.num_steps),
    ):
        if len(losses[name]) < total:
            return f"the program recorded {len(losses[name])} of {total} {phase}steps"
    return ""


def _first(
    pair: PairVerdict,
    losses: Mapping[str, np.ndarray],
    reference: Evidence,
    yardstick: Yardstick,
    *,
    spec: GanSpec,
    walk: Walk | None,
) -> tuple[Visit | None, Row | None]:
    """Return what is off first in order of execution, and in which step, of losses as a diagnosis shows it."""
    order = ["pretraining", spec.training.first, *LOSS_NAMES]

    def place(finding: Finding) -> tuple[int, int, int]:
        return (int(finding.phase == "adversarial"), finding.step, order.index(finding.name))

    # Where nothing but what comes of all steps is off, no step is named.
    found = min((finding for finding in pair.findings if finding.name in order), key=place, default=None)
    if walk is not None and walk.visit is not None:
        seen = (int(walk.visit.phase == "adversarial"), walk.visit.step)
        if found is None or seen <= place(found)[:2]:
            return walk.visit, walk.first
    if found is None:
        return None, None
    name, step = found.name, found.step
    visit = Visit(phase=found.phase, step=step)
    return visit, compare_quantity(
        losses[name][step],
        reference.losses[name][step],
        noise=float(yardstick.noise[name][step]),
        scale=float(np.nan_to_num(yardstick.scales[name][step])),
        tolerance=yardstick.tolerance,
        exact=False,
        visit=visit.label,
        phase=name,
        quantity="loss",
        stream="",
        name="loss",
    )


def _summaries(
    losses: Mapping[str, np.ndarray], reference: Evidence, yardstick: Yardstick, checked: int
) -> list[LossSummary]:
    summaries = []
    for name in reference.losses:
        if not len(reference.losses[name]):
            continue
        judged = min(len(losses[name]), len(yardstick.noise[name]) if name == "pretraining" else checked)
        differences = yardstick.loss_differences(name, losses[name][:judged], reference.losses[name][:judged])
        largest = float(differences.max(initial=0.0))
        summaries.append(LossSummary(name=name, num_recorded=len(losses[name]), num_judged=judged, largest=largest))
    return summaries


def _note_on_types(dtypes: Sequence[str], dtype: str, verdict: Verdict) -> tuple[str, ...]:
    others = [each for each in dtypes if each != dtype]
    if verdict != "DISAGREE" or not others:
        return ()
    return (
        f"the program's losses are of {', '.join(others)}, the case is of {dtype}: have the program compute in "
        f"{dtype}, or make the case with dtype='float32'",
    )
