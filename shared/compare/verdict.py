"""The verdict on a pair of runs: AGREE, DISAGREE or NOT COMPARABLE, with the reason.

A pair agrees when its losses at every step, its state and what it gives at every kept moment are no further apart than
rounding alone takes the reference from itself (yardstick.py), times a margin for the luck of a few copies
(tolerance.py). Steps past the horizon, where rounding explains any difference, say nothing and are not counted; the
verdict names how many steps were. A NaN or infinity that both runs have is no agreement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gan_rosetta.shared.compare.distances import BOUNDS, Floats, first_over
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.finding import Finding
from gan_rosetta.shared.compare.judged import (
    Tensors,
    checked_steps_of,
    differences_at,
    judge_finite,
    judge_losses,
    judge_moments,
)
from gan_rosetta.shared.compare.outputs import SAMPLES
from gan_rosetta.shared.compare.yardstick import END, Yardstick
from gan_rosetta.shared.spec import GanSpec

Verdict = Literal["AGREE", "DISAGREE", "NOT COMPARABLE"]
# What differs between runs of two types from the same state.
_OF_A_TYPE = ("precision", "initial state")


@dataclass(frozen=True, kw_only=True)
class PairVerdict:
    """A pair's verdict and the numbers behind it.

    checked_steps: adversarial steps that were judged, of num_steps. largest: largest loss difference over all common
    steps, relative to the loss or to what it is made of. first_over: for each of BOUNDS the phase and step at which a
    loss first differs by more. state: differences at the end by tensor; samples: of the generated samples. num_judged:
    tensors and outputs, over all moments, that were judged; left_out: those, as "name at moment", of which rounding
    explains any difference.
    """

    pair: tuple[str, str]
    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    checked_steps: int = 0
    num_steps: int = 0
    largest: float = 0.0
    first_over: Mapping[str, str | None] = field(default_factory=dict)
    state: Mapping[str, float] = field(default_factory=dict)
    samples: float | None = None
    num_judged: int = 0
    left_out: tuple[str, ...] = ()


def judge(first: Evidence, second: Evidence, yardstick: Yardstick, spec: GanSpec, /) -> PairVerdict:
    """Return the verdict on two runs of the same spec from the same state and tape."""
    pair = (first.name, second.name)
    is_mixed = {first.precision, second.precision} == {yardstick.tolerance.precision, yardstick.finer}
    mismatch = _identity_mismatch(first, second, ignored=_OF_A_TYPE if is_mixed else ())
    if mismatch:
        return PairVerdict(pair=pair, verdict="NOT COMPARABLE", reason=mismatch)
    runs = (first, second)
    differences = {
        name: yardstick.loss_differences(name, first.losses[name], second.losses[name]) for name in spec.loss_names
    }
    checked = {name: checked_steps_of(differences[name], yardstick, name) for name in spec.loss_names}
    num_steps = max(run.num_steps for run in runs)
    finite = judge_finite(runs, checked, spec)
    findings = list(finite.findings)
    for name in spec.loss_names:
        finding = judge_losses(name, differences[name], yardstick, checked[name], first.first_step)
        findings += [finding] if finding else []
    is_whole = checked["generator"] == first.num_steps == second.num_steps
    at_end = differences_at(runs, END)
    tensors = judge_moments(runs, yardstick, spec, at_end=at_end, is_whole=is_whole)
    findings += tensors.findings
    verdict: Verdict = "DISAGREE" if findings else "AGREE"
    reason = str(findings[0]) if findings else _agreement(checked["generator"], num_steps, len(tensors.left_out))
    if not findings and checked["generator"] == 0:
        verdict, reason = (
            "NOT COMPARABLE",
            "rounding alone explains any difference from the first adversarial step on",
        )
    if not findings and (finite.unsaid or tensors.unsaid):
        verdict, reason = "NOT COMPARABLE", f"{finite.unsaid or tensors.unsaid}: no agreement, whatever came before"
    return PairVerdict(
        pair=pair,
        verdict=verdict,
        reason=reason,
        findings=tuple(findings),
        notes=(
            *_notes_on_types(yardstick, is_mixed),
            *_notes_on_length(runs, checked["generator"]),
            *_notes_on_end(is_whole, tensors),
        ),
        checked_steps=checked["generator"],
        num_steps=num_steps,
        largest=max((float(d.max(initial=0.0)) for d in differences.values()), default=0.0),
        first_over={f"{bound:.0e}": _first_step_over(differences, bound) for bound in BOUNDS},
        state=at_end,
        samples=at_end.get(SAMPLES),
        num_judged=tensors.num_judged,
        left_out=tensors.left_out,
    )


def _identity_mismatch(first: Evidence, second: Evidence, *, ignored: Sequence[str]) -> str:
    for what, value in first.identity.items():
        if what not in ignored and second.identity.get(what) != value:
            return f"the runs have different {what}: {value[:12]} and {second.identity.get(what, 'none')[:12]}"
    common = 0
    for phase, digests in first.tape_digests.items():
        for step, digest in digests.items():
            other = second.tape_digests.get(phase, {}).get(step)
            common += other is not None
            if other is not None and other != digest:
                return f"the runs were fed different tapes, by {phase} step {step}"
    return "" if common else "no chunk of the runs ends at the same step, so nothing tells whether their tapes are one"


def _notes_on_types(yardstick: Yardstick, is_mixed: bool) -> list[str]:
    coarse, finer = yardstick.tolerance.precision, yardstick.finer
    return [f"{coarse} beside {finer}: by {coarse}'s yardstick"] if is_mixed else []


def _notes_on_length(runs: tuple[Evidence, Evidence], checked: int) -> list[str]:
    if runs[0].num_steps == runs[1].num_steps:
        return []
    text = ", ".join(f"{run.name} took {run.num_steps} steps" for run in runs)
    return [f"{text}; {checked} were compared"]


def _notes_on_end(is_whole: bool, tensors: Tensors) -> list[str]:
    notes = []
    if not is_whole:
        notes.append("the state and the samples at the end were not judged: they are of steps past those that can be")
    if tensors.left_out:
        notes.append(f"rounding explains any difference of {len(tensors.left_out)} tensors, which were left out")
    return notes


def _agreement(checked: int, num_steps: int, num_left_out: int) -> str:
    steps = (
        f"all {num_steps} steps" if checked == num_steps else f"the {checked} of {num_steps} steps that can be judged"
    )
    without = f", {num_left_out} tensors left out, which rounding decides" if num_left_out else ""
    return f"no further apart than rounding in {steps}{without}"


def _first_step_over(differences: Mapping[str, Floats], bound: float) -> str | None:
    step = first_over(differences["pretraining"], bound)
    if step is not None:
        return f"pretraining step {step}"
    steps = [first_over(apart, bound) for name, apart in differences.items() if name != "pretraining"]
    known = [step for step in steps if step is not None]
    return f"step {min(known)}" if known else None
