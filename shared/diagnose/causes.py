"""Why a program is off: the faults and defaults that, planted in the reference, explain all that was observed of it.

A diagnosis says where a program first parts from the reference. Here each suspect is planted in the reference, the
same steps are computed again from the same states on the same tape, and named is what brings every quantity that was
observed within what rounding explains. A number that a fault gets wrong is solved for. Two faults at once are tried
where one alone does not do; where nothing does, nothing is named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gan_rosetta.shared.diagnose.explanation import Cause, Explanation
from gan_rosetta.shared.diagnose.replay import ObservedStep, OutOfBudget, Replay
from gan_rosetta.shared.diagnose.search import Search
from gan_rosetta.shared.diagnose.starts import find_start, say_start
from gan_rosetta.shared.faults import FAULTS
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.state import State, state_schema

# A minute or two of a core. A step of a small GAN costs Python's time, which is as much as these operations take; and
# each parameter is copied, moved by an optimizer and compared, whatever the batch.
_MOST_FLOPS = 1e12
_FLOPS_OF_PYTHON = 3e7
_FLOPS_OF_PARAMETER = 500
_FEWEST_STEPS = 12


def explain(
    spec: GanSpec,
    steps: Sequence[ObservedStep],
    /,
    *,
    dtype: str,
    given: State | None = None,
    held: State | None = None,
    without: Iterable[str] = (),
) -> Explanation | None:
    """Return what explains the steps that a program took, or None where none of them is off.

    spec: the right GAN. steps: in order of training. given, held: the state that it should start from, and the one that
    it starts from, where they are known and not the same. without: names of faults and defaults to leave out.
    """
    without = set(without)
    explanation = _explain_steps(spec, steps, dtype=dtype, without=without)
    if given is None or not held:
        return explanation
    default = find_start(spec, given, held, without=without)
    if default is None:
        # Where nothing names what it starts from, the whole is not explained.
        return replace(explanation or Explanation(causes=(), is_complete=True), causes=())
    same = [fault.name for fault in FAULTS.values() if fault.default == default.name]
    start = Cause(names=(default.name, *same), sentences=(say_start(spec, default),))
    if explanation is None:
        return Explanation(causes=(start,), is_complete=True)
    causes = tuple(
        Cause(names=start.names + cause.names, sentences=start.sentences + cause.sentences)
        for cause in explanation.causes
    )
    return replace(explanation, causes=causes)


def _explain_steps(
    spec: GanSpec, steps: Sequence[ObservedStep], *, dtype: str, without: Iterable[str]
) -> Explanation | None:
    search = Search(spec, steps, Replay(spec=spec, dtype=dtype, budget=_affordable_steps(spec)), without)
    try:
        is_off = search.look()
    except OutOfBudget:
        return Explanation(causes=(), is_complete=False)
    if not is_off:
        return None
    is_complete = True
    try:
        search.try_singles()
        if not search.found:
            search.try_pairs()
    except OutOfBudget:
        is_complete = False
    return Explanation(causes=search.causes(), is_complete=is_complete)


def _affordable_steps(spec: GanSpec) -> int:
    num_parameters = sum(math.prod(t.shape) for t in state_schema(spec).values() if t.role == "parameter")
    cost = _FLOPS_OF_PYTHON + step_flops(spec) + _FLOPS_OF_PARAMETER * num_parameters
    return max(_FEWEST_STEPS, int(_MOST_FLOPS / cost))
