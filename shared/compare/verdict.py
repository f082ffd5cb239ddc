"""The verdict on a pair of runs: AGREE, DISAGREE or NOT COMPARABLE, with the reason.

A pair agrees when its losses at every step, its state at every kept moment and its samples at the end are no further
apart than rounding alone takes the reference from itself (shared/compare/yardstick.py), times a margin for the luck of
a few copies. Steps past the horizon, where rounding alone has reached CHAOS, say nothing and are not counted; the
verdict names how many steps were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from shared.compare.distances import BOUNDS, Floats, first_nonfinite, first_over, relative_difference, tensor_difference
from shared.compare.yardstick import LOSS_NAMES, Yardstick
from shared.spec import GanSpec, MinibatchDiscrimination
from shared.state import parameter_name, state_schema

Verdict = Literal["AGREE", "DISAGREE", "NOT COMPARABLE"]

# The largest of a few copies' distances is itself a matter of luck: among correct runs the ratio of one distance to the
# largest of the others was measured up to 6 (docs/agreement.md), in either direction.
MARGIN = 10.0


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What of a run goes into a verdict.

    losses: (steps,) by name. snapshots: for each moment the tensors, sketched, or whole at "end". samples: generated
    on the fixed latent. dtype: "float32" or "float64". identity: for each of "spec", "initial state", "dtype" and
    "first step" what must be the same in both; tape_digests: by phase and step, compared where both have one.
    first_step: of the tape's adversarial steps, that of the first loss.
    """

    name: str
    dtype: str
    identity: Mapping[str, str]
    tape_digests: Mapping[str, Mapping[str, str]]
    losses: Mapping[str, np.ndarray]
    snapshots: Mapping[str, Mapping[str, np.ndarray]]
    samples: np.ndarray
    first_step: int = 0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One place where a pair is further apart than rounding: where, by how much, and how much was allowed."""

    where: str
    difference: float
    allowed: float

    def __str__(self) -> str:
        return f"{self.where}: {self.difference:.1e} apart, rounding explains {self.allowed:.1e}"


@dataclass(frozen=True, kw_only=True)
class PairVerdict:
    """A pair's verdict and the numbers behind it.

    checked_steps: adversarial steps that were judged, of num_steps. largest: largest relative loss difference over
    all common steps. first_over: for each of BOUNDS the phase and step at which a loss first differs by more.
    state, samples: differences at the end. apart_at: where a loss first left the envelope, as a phrase.
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
    not_comparable_tensors: tuple[str, ...] = ()


def tensors_without_gradient(spec: GanSpec, /) -> tuple[str, ...]:
    """Return the tensors that rounding noise alone decides: biases whose effect is taken away again.

    A BatchNorm takes away the bias before it, and minibatch discrimination its own, as it looks at differences. The
    true gradient of such a bias is 0; Adam and Adadelta turn what is computed in its place into steps, which the bias's
    slots and the BatchNorm's running mean then follow.
    """
    names: set[str] = set()
    for network_name, network in spec.networks().items():
        for placed in network.placed:
            if isinstance(placed.layer, MinibatchDiscrimination):
                names.add(parameter_name(network_name, placed.name, "bias"))
        for layer, norm in network.biases_before_batch_norm().items():
            names |= {parameter_name(network_name, layer, "bias"), parameter_name(network_name, norm, "running_mean")}
    return tuple(tensor.name for tensor in state_schema(spec).values() if tensor.tensor in names)


def judge(first: Evidence, second: Evidence, yardstick: Yardstick, spec: GanSpec, /) -> PairVerdict:
    """Return the verdict on two runs of the same spec from the same state and tape."""
    pair = (first.name, second.name)
    mismatch = _identity_mismatch(first, second)
    if mismatch:
        return PairVerdict(pair=pair, verdict="NOT COMPARABLE", reason=mismatch)
    floor = float(np.finfo(first.dtype).eps)
    differences = {name: _common_difference(first.losses[name], second.losses[name]) for name in LOSS_NAMES}
    checked = {name: _checked_steps(differences[name], yardstick, name) for name in LOSS_NAMES}
    if checked["generator"] == 0:
        return PairVerdict(
            pair=pair,
            verdict="NOT COMPARABLE",
            reason="rounding alone takes the reference from itself in its first adversarial step",
        )
    findings: list[Finding] = []
    notes: list[str] = []
    for name in LOSS_NAMES:
        finding = _judge_losses(name, differences[name], yardstick.losses[name], checked[name], floor)
        findings += [finding] if finding else []
    findings += _judge_nonfinite(first, second, checked, notes, spec)
    excluded = tensors_without_gradient(spec)
    findings += _judge_snapshots(first, second, yardstick, floor, excluded)
    samples = tensor_difference(first.samples, second.samples) if first.samples.shape == second.samples.shape else None
    whole = checked["generator"] == len(first.losses["generator"]) == len(second.losses["generator"])
    if whole and yardstick.samples is not None and samples is not None:
        allowed = MARGIN * max(yardstick.samples, floor)
        if not samples <= allowed:
            findings.append(Finding(where="samples at the end", difference=samples, allowed=allowed))
    num_steps = max(len(first.losses["generator"]), len(second.losses["generator"]))
    notes += _notes_on_length(first, second, checked["generator"])
    if excluded:
        notes.append(f"{len(excluded)} tensors that hang on biases without a gradient were not compared")
    return PairVerdict(
        pair=pair,
        verdict="DISAGREE" if findings else "AGREE",
        reason=str(findings[0]) if findings else _agreement(checked["generator"], num_steps),
        findings=tuple(findings),
        notes=tuple(notes),
        checked_steps=checked["generator"],
        num_steps=num_steps,
        largest=max((float(d.max(initial=0.0)) for d in differences.values()), default=0.0),
        first_over={f"{bound:.0e}": _first_step_over(differences, bound) for bound in BOUNDS},
        state=_state_differences(first, second),
        samples=samples,
        not_comparable_tensors=excluded,
    )


def _identity_mismatch(first: Evidence, second: Evidence) -> str:
    for what, value in first.identity.items():
        if second.identity.get(what) != value:
            return f"the runs have different {what}: {value[:12]} and {second.identity.get(what, 'none')[:12]}"
    common = 0
    for phase, digests in first.tape_digests.items():
        for step, digest in digests.items():
            other = second.tape_digests.get(phase, {}).get(step)
            common += other is not None
            if other is not None and other != digest:
                return f"the runs were fed different tapes, by {phase} step {step}"
    return "" if common else "the runs' tape hashes have no step in common; use the same --chunk-steps"


def _common_difference(first: np.ndarray, second: np.ndarray) -> Floats:
    length = min(len(first), len(second))
    return relative_difference(first[:length], second[:length])


def _checked_steps(differences: Floats, yardstick: Yardstick, name: str) -> int:
    known = len(yardstick.losses[name]) if name == "pretraining" else yardstick.horizon
    return min(len(differences), known)


def _judge_losses(name: str, differences: Floats, envelope: Floats, checked: int, floor: float) -> Finding | None:
    running = np.maximum.accumulate(differences[:checked]) if checked else differences[:0]
    allowed = MARGIN * np.maximum(envelope[:checked], floor)
    outside = np.flatnonzero(~(running <= allowed))
    if not len(outside):
        return None
    step = int(outside[0])
    label = "pretraining" if name == "pretraining" else f"{name}'s"
    return Finding(where=f"{label} loss at step {step}", difference=float(running[step]), allowed=float(allowed[step]))


def _judge_nonfinite(
    first: Evidence, second: Evidence, checked: Mapping[str, int], notes: list[str], spec: GanSpec
) -> list[Finding]:
    """A NaN in one run and not in the other is a disagreement at any step; at different steps, within those judged."""
    findings = []
    for name in LOSS_NAMES:
        length = min(len(first.losses[name]), len(second.losses[name]))
        pattern = spec.training.discriminator_steps
        expected = np.array(
            [name != "discriminator" or pattern.includes(first.first_step + step) for step in range(length)], dtype=bool
        )
        steps = [first_nonfinite(run.losses[name][:length], expected=expected) for run in (first, second)]
        if steps == [None, None]:
            continue
        if None in steps:
            step = next(s for s in steps if s is not None)
            where = f"{name} loss is NaN or infinite from step {step} in {(first, second)[steps[0] is None].name} alone"
            findings.append(Finding(where=where, difference=float("inf"), allowed=0.0))
        elif steps[0] == steps[1]:
            notes.append(f"{name} loss is NaN or infinite in both from step {steps[0]}")
        else:
            text = f"{name} loss is NaN or infinite from step {steps[0]} in {first.name}, {steps[1]} in {second.name}"
            if min(s for s in steps if s is not None) < checked[name]:
                findings.append(Finding(where=text, difference=float("inf"), allowed=0.0))
            else:
                notes.append(text)
    return findings


def _judge_snapshots(
    first: Evidence, second: Evidence, yardstick: Yardstick, floor: float, excluded: tuple[str, ...]
) -> list[Finding]:
    findings = []
    for label, noise in yardstick.tensors.items():
        if label not in first.snapshots or label not in second.snapshots:
            continue
        if label == "end" and len(first.losses["generator"]) != len(second.losses["generator"]):
            continue
        for name, amount in noise.items():
            if name in excluded:
                continue
            difference = tensor_difference(first.snapshots[label][name], second.snapshots[label][name])
            counter = name.endswith(".step")
            allowed = 0.0 if counter else MARGIN * max(amount, floor)
            if not difference <= allowed:
                moment = "at the end" if label == "end" else f"after {label}"
                findings.append(Finding(where=f"{name} {moment}", difference=difference, allowed=allowed))
    return findings


def _notes_on_length(first: Evidence, second: Evidence, checked: int) -> list[str]:
    lengths = [len(run.losses["generator"]) for run in (first, second)]
    if lengths[0] == lengths[1]:
        return []
    text = f"{first.name} took {lengths[0]} steps, {second.name} {lengths[1]}"
    return [f"{text}; {checked} were compared"]


def _agreement(checked: int, num_steps: int) -> str:
    if checked == num_steps:
        return f"no further apart than rounding in all {num_steps} steps"
    return f"no further apart than rounding in the {checked} of {num_steps} steps that can be judged"


def _first_step_over(differences: Mapping[str, Floats], bound: float) -> str | None:
    step = first_over(differences["pretraining"], bound)
    if step is not None:
        return f"pretraining step {step}"
    steps = [first_over(differences[name], bound) for name in ("discriminator", "generator")]
    known = [step for step in steps if step is not None]
    return f"step {min(known)}" if known else None


def _state_differences(first: Evidence, second: Evidence) -> dict[str, float]:
    if "end" not in first.snapshots or "end" not in second.snapshots:
        return {}
    mine, theirs = first.snapshots["end"], second.snapshots["end"]
    return {name: tensor_difference(mine[name], theirs[name]) for name in mine}
