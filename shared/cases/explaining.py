"""Why a program parts: what was seen and recorded of it, handed to the search for causes that a diagnosis has too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gan_rosetta.shared.cases.moving import find_moved_in_backward
from gan_rosetta.shared.cases.recording import expected_losses
from gan_rosetta.shared.cases.walking import Walk
from gan_rosetta.shared.compare.yardstick import Yardstick
from gan_rosetta.shared.data.tape import Tape, make_chunk
from gan_rosetta.shared.diagnose.causes import explain
from gan_rosetta.shared.diagnose.explanation import Explanation
from gan_rosetta.shared.diagnose.reference import TapePosition
from gan_rosetta.shared.diagnose.replay import ObservedStep
from gan_rosetta.shared.diagnose.visits import Visit, in_order
from gan_rosetta.shared.interface import ProbeKey
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State
from gan_rosetta.shared.workers.registry import build_reference

# Losses of the step before the first that is off, of it, and of those after it.
_AROUND = (-1, 0, 1, 2)


def explain_program(
    spec: GanSpec,
    state: State,
    tape: Tape,
    visit: Visit,
    losses_agree: bool,
    /,
    *,
    dtype: str,
    losses: Mapping[str, np.ndarray],
    yardstick: Yardstick,
    walk: Walk | None,
) -> Explanation:
    """Return why a program parts from the reference.

    state: what it should start from. visit: the first step that is off. losses_agree: whether what it recorded agrees
    in all steps. losses: what it recorded, (steps,) by name.
    yardstick: how far rounding takes those. walk: what was seen besides, of a watched program.
    """
    moved = None if walk is None or not losses_agree else find_moved_in_backward(walk, visit, dtype=dtype)
    if moved is not None:
        return Explanation(causes=(moved,), is_complete=True)
    held = {} if walk is None else walk.other_start
    given = {name: state[name].astype(array.dtype) for name, array in held.items()}
    if held:
        # What rounding does to losses from another start was not measured.
        steps = _of_losses(spec, tape, visit, start={**state, **held}, losses=losses, noise={})
    else:
        start = _start(spec, state, tape, visit, dtype=dtype)
        steps = _of_losses(spec, tape, visit, start=start, losses=losses, noise=yardstick.noise)
        if walk is not None:
            steps |= {each: _seen(spec, tape, walk, each) for each in walk.kept}
    ordered = [steps[each] for each in in_order(steps)]
    return explain(spec, ordered, dtype=dtype, given=given, held=held) or Explanation(causes=(), is_complete=True)


def _start(spec: GanSpec, state: State, tape: Tape, visit: Visit, *, dtype: str) -> State:
    """Return the state before a phase: before the adversarial one what pretraining makes of the initial one."""
    if visit.phase == "pretraining" or spec.pretraining is None:
        return state
    reference = build_reference(spec, dtype=dtype)
    reference.load_state(state)
    TapePosition(spec, tape).move([reference], replace(visit, step=0))
    return reference.export_state()


def _of_losses(
    spec: GanSpec,
    tape: Tape,
    visit: Visit,
    /,
    *,
    start: State,
    losses: Mapping[str, np.ndarray],
    noise: Mapping[str, np.ndarray],
) -> dict[Visit, ObservedStep]:
    """Return what a program's losses tell of the steps around one. start: the state before its phase."""
    names = expected_losses(spec, visit.phase)
    num_recorded = min(len(losses[name]) for name in names)
    found = {}
    for step in (visit.step + change for change in _AROUND):
        if not 0 <= step < num_recorded:
            continue
        epoch = tape.steps_per_epoch()
        keys = {
            name: ProbeKey(name, "loss", "", "loss")
            for name in names
            if spec.training.steps_of(name).includes(step, steps_per_epoch=epoch)
        }
        if any(step >= len(noise[name]) for name in keys if noise):
            continue  # So far the reference was not followed.
        own = replace(visit, step=step)
        found[own] = ObservedStep(
            label=own.label,
            state=start,
            chunk=make_chunk(tape, spec, visit.phase, first_step=0, num_steps=step + 1),
            quantities={key: np.array(losses[name][step]) for name, key in keys.items()},
            noise={key: float(noise[name][step]) for name, key in keys.items()} if noise else {},
            is_whole=False,
        )
    return found


def _seen(spec: GanSpec, tape: Tape, walk: Walk, visit: Visit) -> ObservedStep:
    kept = walk.kept[visit]
    return ObservedStep(
        label=visit.label,
        state=walk.starts[visit.phase],
        chunk=make_chunk(tape, spec, visit.phase, first_step=0, num_steps=visit.step + 1),
        quantities=kept.quantities,
        noise=kept.noise,
        is_whole=False,
    )
