"""The verdict on a pair of runs: AGREE, DISAGREE or NOT COMPARABLE, with the reason.

A pair agrees when its losses at every step, its state and what it gives at every kept moment are no further apart than
rounding alone takes the reference from itself (yardstick.py), times a margin for the luck of a few copies
(tolerance.py). Steps past the horizon, where rounding explains any difference, say nothing and are not counted; the
verdict names how many steps were. A NaN or infinity that both runs have is no agreement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypedDict

import numpy as np

from gan_rosetta.shared.compare.distances import (
    BOUNDS,
    Floats,
    Size,
    first_nonfinite,
    first_over,
    size_of,
    tensor_difference,
)
from gan_rosetta.shared.compare.outputs import SAMPLES
from gan_rosetta.shared.compare.tolerance import WHOLE
from gan_rosetta.shared.compare.yardstick import END, Yardstick
from gan_rosetta.shared.data.turns import trained_steps
from gan_rosetta.shared.interface import Phase, loss_label
from gan_rosetta.shared.spec import GanSpec

Verdict = Literal["AGREE", "DISAGREE", "NOT COMPARABLE"]
# What differs between runs of two types from the same state.
_OF_A_TYPE = ("precision", "initial state")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What of a run goes into a verdict.

    losses: (steps,) by name. moments: for each moment the tensors of the state and the outputs, sketched, or whole at
    "end". precision: the type, with what products keep (interface.precision_name). identity: for each of "spec", "given
    state", "initial state", which is that in the run's type, "precision" and "first step" what must be the same in
    both; tape_digests: by phase and step, compared where both have one. first_step: of the tape's adversarial steps,
    that of the first loss. steps_per_epoch: of the tape, for a GAN whose players' turns are counted within epochs.
    """

    name: str
    precision: str
    identity: Mapping[str, str]
    tape_digests: Mapping[str, Mapping[str, str]]
    losses: Mapping[str, np.ndarray]
    moments: Mapping[str, Mapping[str, np.ndarray]]
    first_step: int = 0
    steps_per_epoch: int | None = None

    @property
    def num_steps(self) -> int:
        """The adversarial steps that the run took."""
        return len(self.losses["generator"])

    @cached_property
    def sizes(self) -> Mapping[str, Mapping[str, Size]]:
        """How large the numbers of each array of the moments are: found once, for all pairs that the run is of."""
        return {label: {name: size_of(a) for name, a in arrays.items()} for label, arrays in self.moments.items()}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One place where a pair is further apart than rounding: where, by how much, and how much was allowed.

    phase, step: the step that shows it, or after which it was seen. name: of the loss, the tensor or the output.
    """

    where: str
    difference: float
    allowed: float
    phase: Phase
    step: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.difference:.1e} apart, rounding explains {self.allowed:.1e}"


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
    checked = {name: _checked_steps(differences[name], yardstick, name) for name in spec.loss_names}
    num_steps = max(run.num_steps for run in runs)
    finite = _judge_finite(runs, checked, spec)
    findings = list(finite.findings)
    for name in spec.loss_names:
        finding = _judge_losses(name, differences[name], yardstick, checked[name], first.first_step)
        findings += [finding] if finding else []
    is_whole = checked["generator"] == first.num_steps == second.num_steps
    at_end = _differences(runs, END)
    tensors = _judge_moments(runs, yardstick, spec, at_end=at_end, is_whole=is_whole)
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


def _checked_steps(differences: Floats, yardstick: Yardstick, name: str) -> int:
    known = len(yardstick.noise[name]) if name == "pretraining" else yardstick.horizon
    return min(len(differences), known)


def _judge_losses(
    name: str, differences: Floats, yardstick: Yardstick, checked: int, first_step: int
) -> Finding | None:
    running = np.maximum.accumulate(differences[:checked]) if checked else differences[:0]
    allowed = yardstick.allowed_losses(name)[:checked]
    outside = np.flatnonzero(~(running <= allowed))
    if not len(outside):
        return None
    step = int(outside[0])
    return Finding(
        where=f"{loss_label(name)} at step {step}",
        difference=float(running[step]),
        allowed=float(allowed[step]),
        name=name,
        **_place(name, step, first_step),
    )


def _place(name: str, step: int, first_step: int) -> _Place:
    """Return the phase of a loss, and which of its steps the loss at an index is of."""
    if name == "pretraining":
        return {"phase": "pretraining", "step": step}
    return {"phase": "adversarial", "step": first_step + step}


class _Place(TypedDict):
    phase: Phase
    step: int


def _place_of_moment(label: str, spec: GanSpec, run: Evidence) -> _Place:
    """Return the step after which a moment was."""
    if label == END:
        return {"phase": "adversarial", "step": run.first_step + run.num_steps - 1}
    if label == "pretraining":
        return {"phase": "pretraining", "step": spec.pretraining.num_steps - 1 if spec.pretraining is not None else 0}
    phase: Phase = "pretraining" if label.startswith("pretraining") else "adversarial"
    return {"phase": phase, "step": max(0, int(label.rpartition(" ")[2]) - 1)}


@dataclass(frozen=True, kw_only=True)
class _Finite:
    """What is to be said of NaN and infinity in losses. unsaid: of such as decide nothing, and are no agreement."""

    findings: tuple[Finding, ...]
    unsaid: str


def _judge_finite(runs: tuple[Evidence, Evidence], checked: Mapping[str, int], spec: GanSpec) -> _Finite:
    """A NaN in one run and not in the other, or at another step, is a disagreement within the steps that are judged."""
    findings, unsaid = [], ""
    names = tuple(run.name for run in runs)
    for name in spec.loss_names:
        length = min(len(run.losses[name]) for run in runs)
        expected = trained_steps(
            spec, name, first_step=runs[0].first_step, num_steps=length, steps_per_epoch=runs[0].steps_per_epoch
        )
        steps = [first_nonfinite(run.losses[name][:length], expected=expected) for run in runs]
        known = [step for step in steps if step is not None]
        if not known:
            continue
        if len(known) == 1:
            text = f"{name} loss is NaN or infinite from step {known[0]} in {names[steps[0] is None]} alone"
            if known[0] < checked[name]:
                place = _place(name, known[0], runs[0].first_step)
                findings.append(Finding(where=text, difference=float("inf"), allowed=0.0, name=name, **place))
            else:
                # Rounding alone may have taken the one across the edge of what there is a logarithm of.
                unsaid = unsaid or f"{text}, past the steps that can be judged"
        elif steps[0] == steps[1]:
            unsaid = unsaid or f"{name} loss is NaN or infinite from step {steps[0]} in both runs"
        else:
            text = f"{name} loss is NaN or infinite from step {steps[0]} in {names[0]}, {steps[1]} in {names[1]}"
            if min(known) < checked[name]:
                place = _place(name, min(known), runs[0].first_step)
                findings.append(Finding(where=text, difference=float("inf"), allowed=0.0, name=name, **place))
            else:
                unsaid = unsaid or f"{text}, past the steps that can be judged"
    return _Finite(findings=tuple(findings), unsaid=unsaid)


@dataclass(frozen=True, kw_only=True)
class _Tensors:
    """What is to be said of tensors and outputs; left_out and num_judged as in PairVerdict, unsaid as of losses."""

    findings: tuple[Finding, ...]
    num_judged: int
    left_out: tuple[str, ...]
    unsaid: str


def _judge_moments(
    runs: tuple[Evidence, Evidence],
    yardstick: Yardstick,
    spec: GanSpec,
    *,
    at_end: Mapping[str, float],
    is_whole: bool,
) -> _Tensors:
    findings, left_out, num_judged, unsaid = [], [], 0, ""
    for label, noise in yardstick.tensors.items():
        if not all(label in run.moments for run in runs) or (label == END and not is_whole):
            continue
        moment = "at the end" if label == END else f"after {label}"
        place = _place_of_moment(label, spec, runs[0])
        for name, amount in noise.items():
            lacking = [run.name for run in runs if name not in run.moments[label]]
            if len(lacking) == len(runs):
                continue
            if lacking:
                where = f"{name} {moment}, which {lacking[0]} lacks"
                findings.append(Finding(where=where, difference=float("inf"), allowed=0.0, name=name, **place))
                continue
            allowed = yardstick.tolerance.allowed(amount, is_counter=name.endswith(".step"))
            if not all(run.sizes[label][name].is_finite for run in runs):
                unsaid = unsaid or f"{name} {moment} has NaN or infinity"
            if allowed >= WHOLE:
                left_out.append(f"{name} {moment}")
                continue
            num_judged += 1
            difference = at_end[name] if label == END and name in at_end else _difference(runs, label, name)
            if not difference <= allowed:
                where = f"{name} {moment}"
                findings.append(Finding(where=where, difference=difference, allowed=allowed, name=name, **place))
    return _Tensors(findings=tuple(findings), num_judged=num_judged, left_out=tuple(left_out), unsaid=unsaid)


def _notes_on_types(yardstick: Yardstick, is_mixed: bool) -> list[str]:
    coarse, finer = yardstick.tolerance.precision, yardstick.finer
    return [f"{coarse} beside {finer}: by {coarse}'s yardstick"] if is_mixed else []


def _notes_on_length(runs: tuple[Evidence, Evidence], checked: int) -> list[str]:
    if runs[0].num_steps == runs[1].num_steps:
        return []
    text = ", ".join(f"{run.name} took {run.num_steps} steps" for run in runs)
    return [f"{text}; {checked} were compared"]


def _notes_on_end(is_whole: bool, tensors: _Tensors) -> list[str]:
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


def _differences(runs: tuple[Evidence, Evidence], label: str) -> dict[str, float]:
    """Return the differences at a moment, of tensors and outputs of the same shape."""
    mine, theirs = (run.moments.get(label, {}) for run in runs)
    return {
        name: _difference(runs, label, name)
        for name in mine
        if name in theirs and mine[name].shape == theirs[name].shape
    }


def _difference(runs: tuple[Evidence, Evidence], label: str, name: str) -> float:
    first, second = runs
    sizes = (first.sizes[label][name], second.sizes[label][name])
    return tensor_difference(first.moments[label][name], second.moments[label][name], sizes=sizes)
