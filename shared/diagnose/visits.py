"""The steps that a diagnosis looks into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from gan_rosetta.shared.data.reach import check_reach, cut_to_tape
from gan_rosetta.shared.data.tape import Tape
from gan_rosetta.shared.interface import Phase
from gan_rosetta.shared.runs.request import Request
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops

# The first steps show most mistakes; these later ones show schedules, and what only trained networks do.
_PRETRAINING_STEPS = (0, 1, 2, 150)
_LATER_STEPS = (10, 100, 150, 1000)
_CHEAP_FLOPS = 1e8


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A step to look into. saturated: from a state whose discriminator is sure of itself, and wrong."""

    phase: Phase
    step: int
    saturated: bool = False

    @property
    def label(self) -> str:
        """What to call the visit."""
        name = "pretraining step" if self.phase == "pretraining" else "step"
        return f"{name} {self.step}" + (", D saturated" if self.saturated else "")


def in_order(visits: Iterable[Visit], /) -> tuple[Visit, ...]:
    """Return visits in order of training, that to a saturated state last: nothing trains on from it."""
    phases = {"pretraining": 0, "adversarial": 1}
    return tuple(sorted(visits, key=lambda visit: (visit.saturated, phases[visit.phase], visit.step)))


def plan_visits(spec: GanSpec, /, *, num_steps: int | None, forced: bool) -> tuple[Visit, ...]:
    """Return the visits in order of training.

    num_steps: visit each of the first steps of each phase; None chooses. forced: add a visit to a saturated state,
    where the discriminator gives probabilities and has a weight to scale.
    """
    pretraining = spec.num_pretraining_steps
    if num_steps is None:
        cheap = step_flops(spec) < _CHEAP_FLOPS
        steps = {0, 1, 2} | (set(_LATER_STEPS) if cheap else set()) | _next_turns(spec)
        pretraining_steps = set(_PRETRAINING_STEPS)
    else:
        steps = pretraining_steps = set(range(num_steps))
    visits = [Visit(phase="pretraining", step=step) for step in sorted(pretraining_steps) if step < pretraining]
    visits += [Visit(phase="adversarial", step=step) for step in sorted(steps) if step < spec.training.num_steps]
    has_parameters = any(placed.layer.parameters() for placed in spec.discriminator.placed)
    if forced and has_parameters and spec.training.discriminator_loss.score == "probability":
        visits.append(Visit(phase="adversarial", step=0, saturated=True))
    return tuple(visits)


def plan_second_turns(spec: GanSpec, /) -> tuple[Visit, ...]:
    """Return the visits that show every fault of the catalogue, those that only a second update shows too.

    They are the first two steps of each phase, each player's second turn, and the saturated state.
    """
    steps = {step for step in _next_turns(spec) if step < spec.training.num_steps}
    first = plan_visits(spec, num_steps=2, forced=True)
    return in_order({*first, *(Visit(phase="adversarial", step=step) for step in steps)})


def plan_on_tape(spec: GanSpec, tape: Tape, /, *, num_steps: int | None, forced: bool) -> tuple[Visit, ...]:
    """Return the visits as plan_visits does, those that it chooses only as far as the tape goes.

    Raises TapeError, DataError where the tape cannot feed the steps up to the last visit.
    """
    visits = plan_visits(spec if num_steps is not None else cut_to_tape(spec, tape), num_steps=num_steps, forced=forced)
    last = max((visit.step for visit in visits if visit.phase == "adversarial"), default=0)
    check_reach(tape, spec.with_steps(training=last + 1))
    return visits


def with_published_steps(request: Request, /) -> Request:
    """Return the request with its GAN's own length, where it leaves that open and no tape bounds it.

    A diagnosis only looks into a few steps, so that a run's short default would merely hide the later ones.
    """
    if request.steps is not None or request.feed.tape is not None or request.spec is None:
        return request
    return replace(request, steps=request.spec.training.num_steps)


def _next_turns(spec: GanSpec) -> set[int]:
    """Return the first step after the first in which each player trains, of the first epoch."""
    patterns = (spec.training.discriminator_steps, spec.training.generator_steps)
    return {next(s for s in range(1, p.period + p.offsets[0] + 1) if s % p.period in p.offsets) for p in patterns}
