"""Losses and moments of a pair of runs, held to what rounding explains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gan_rosetta.shared.compare.distances import Floats, first_nonfinite, tensor_difference
from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.finding import Finding, place_of_loss, place_of_moment
from gan_rosetta.shared.compare.tolerance import WHOLE
from gan_rosetta.shared.compare.yardstick import END, Yardstick
from gan_rosetta.shared.data.turns import trained_steps
from gan_rosetta.shared.interface import loss_label
from gan_rosetta.shared.spec import GanSpec


def checked_steps_of(differences: Floats, yardstick: Yardstick, name: str, /) -> int:
    """Return how many steps of a loss can be judged: those that the yardstick knows, or that rounding leaves apart."""
    known = len(yardstick.noise[name]) if name == "pretraining" else yardstick.horizon
    return min(len(differences), known)


def judge_losses(
    name: str, differences: Floats, yardstick: Yardstick, checked: int, first_step: int, /
) -> Finding | None:
    """Return the first of the checked steps whose losses are further apart than rounding, None where there is none."""
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
        **place_of_loss(name, step, first_step),
    )


@dataclass(frozen=True, kw_only=True)
class Finite:
    """What is to be said of NaN and infinity in losses. unsaid: of such as decide nothing, and are no agreement."""

    findings: tuple[Finding, ...]
    unsaid: str


def judge_finite(runs: tuple[Evidence, Evidence], checked: Mapping[str, int], spec: GanSpec, /) -> Finite:
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
                place = place_of_loss(name, known[0], runs[0].first_step)
                findings.append(Finding(where=text, difference=float("inf"), allowed=0.0, name=name, **place))
            else:
                # Rounding alone may have taken the one across the edge of what there is a logarithm of.
                unsaid = unsaid or f"{text}, past the steps that can be judged"
        elif steps[0] == steps[1]:
            unsaid = unsaid or f"{name} loss is NaN or infinite from step {steps[0]} in both runs"
        else:
            text = f"{name} loss is NaN or infinite from step {steps[0]} in {names[0]}, {steps[1]} in {names[1]}"
            if min(known) < checked[name]:
                place = place_of_loss(name, min(known), runs[0].first_step)
                findings.append(Finding(where=text, difference=float("inf"), allowed=0.0, name=name, **place))
            else:
                unsaid = unsaid or f"{text}, past the steps that can be judged"
    return Finite(findings=tuple(findings), unsaid=unsaid)


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """What is to be said of tensors and outputs; left_out and num_judged as in PairVerdict, unsaid as of losses."""

    findings: tuple[Finding, ...]
    num_judged: int
    left_out: tuple[str, ...]
    unsaid: str


def judge_moments(
    runs: tuple[Evidence, Evidence],
    yardstick: Yardstick,
    spec: GanSpec,
    *,
    at_end: Mapping[str, float],
    is_whole: bool,
) -> Tensors:
    """Return what is to be said of tensors and outputs at the moments that both runs kept.

    at_end: the differences at the end, where they are known already. is_whole: whether the runs' last steps are judged.
    """
    findings, left_out, num_judged, unsaid = [], [], 0, ""
    for label, noise in yardstick.tensors.items():
        if not all(label in run.moments for run in runs) or (label == END and not is_whole):
            continue
        moment = "at the end" if label == END else f"after {label}"
        place = place_of_moment(label, spec, runs[0])
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
    return Tensors(findings=tuple(findings), num_judged=num_judged, left_out=tuple(left_out), unsaid=unsaid)


def differences_at(runs: tuple[Evidence, Evidence], label: str) -> dict[str, float]:
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
