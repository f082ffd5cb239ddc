"""A case: a GAN's initial state and every step's batch for a program from outside, and the judgement on its losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gan_rosetta.shared.cases.explaining import explain_program
from gan_rosetta.shared.cases.judgement import Judgement, judge_program
from gan_rosetta.shared.cases.measuring import PROGRAM_NAME, measure_reference
from gan_rosetta.shared.cases.networks import find_networks, load_state
from gan_rosetta.shared.cases.proving import Proof
from gan_rosetta.shared.cases.recording import Recording, expected_losses
from gan_rosetta.shared.cases.steps import Step
from gan_rosetta.shared.cases.walking import Walk
from gan_rosetta.shared.cases.watching import Watcher
from gan_rosetta.shared.data.tape import Tape, make_chunk
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Phase
from gan_rosetta.shared.runs.checkpoint import num_steps
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.feeding import is_label, shown_when_asked
from gan_rosetta.shared.state import State

# Most mistakes show in the first steps; the losses judge the others.
WATCHED_STEPS = 40
PHASES: tuple[Phase, ...] = ("pretraining", "adversarial")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a case is of. state: the initial one, in float64; to_tensor: makes of an array what the program is fed."""

    spec: GanSpec
    state: State
    tape: Tape
    dtype: str
    seed: int
    to_tensor: Callable[[np.ndarray], Any]


# Where the cases of this process are kept that somebody else is to judge; None where nobody is.
_kept: list[Case] | None = None


def keep_cases(kept: list[Case], /) -> None:
    """Have every case that this process makes from now on put into a list."""
    global _kept  # noqa: PLW0603 - of the process
    _kept = kept


def _given(generator: Any, discriminator: Any) -> dict[str, Any]:
    given = {"generator": generator, "discriminator": discriminator}
    return {name: network for name, network in given.items() if network is not None}


class Case:
    """What a program starts from and is fed, step by step, and what it says it computed; for one run of a program.

    judgement: the last one, None before there was any.
    """

    def __init__(self, request: Request, /) -> None:
        self._request = request
        self._recording = Recording(self.spec)
        self.judgement: Judgement | None = None
        if _kept is not None:
            _kept.append(self)
        self._began = False
        self._open: Visit | None = None
        self._notes: list[str] = []
        self._walk: Walk | None = None
        self._watcher: Watcher | None = None
        self._watched_steps = 0

    def load(
        self,
        *,
        generator: Any = None,
        discriminator: Any = None,
        mapping: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        """Put the initial state into a program's networks, and prove it by a pass of each beside the reference.

        generator, discriminator: a torch Module, a Keras model or tf.Module, a Gluon Block, or arrays of JAX or NumPy
        in dictionaries, lists and tuples, which get the state's in their places, and no pass. mapping: canonical names
        of layers or tensors to the program's, where names, kinds, shapes and order leave a doubt, and
        layout="canonical", "keras" or "flax" where shapes do. Returns the canonical names with those of the program's
        tensors. Raises StateError, which names the tensors, for a doubt; UsageError for what is no network, or computes
        in another type. What a pass shows is among the judgement's notes.
        """
        request = self._request
        given = _given(generator, discriminator)
        if not given:
            raise UsageError("neither generator nor discriminator is given; give one of them or both")
        found = find_networks(self.spec, given, mapping or {})
        for each in found.values():
            load_state(each, request.state, dtype=request.dtype)
        proof = Proof.prepare(self.spec, request.state, request.tape, dtype=request.dtype)
        self._notes += [said for each in found.values() if (said := proof.objection(each))]
        return {own: name for each in found.values() for own, name in each.names.items()}

    def watch(
        self,
        *,
        generator: Any = None,
        discriminator: Any = None,
        generator_optimizer: Any = None,
        discriminator_optimizer: Any = None,
        pretraining_optimizer: Any = None,
        mapping: Mapping[str, str] | None = None,
        steps: int = WATCHED_STEPS,
    ) -> None:
        """See inside a program: layers' outputs, gradients, parameters, slots and buffers of its first steps.

        networks and mapping: as in load, with the initial state in them when the first step begins; with none, only
        what `step.see` tells is seen, and of arrays what `step.see_update` does. optimizers: of the same framework;
        pretraining_optimizer: where it is not D's. steps: of each phase that are looked into. No number of the program
        changes. Raises as load does.
        """
        if self._began:
            raise UsageError("case.watch comes before the case's first step; call it before the loop")
        if self._watcher is not None:
            raise UsageError("the case is watched already; give both networks in one call of case.watch")
        if self.spec.training.joint_optimizer is not None:
            raise UsageError(
                f"{self.spec.name!r} updates each network twice a step, by its own optimizer and by the joint one, and "
                "case.watch cannot tell the two apart; record its losses and leave out case.watch"
            )
        if steps < 1:
            raise UsageError(f"case.watch got steps={steps}; expected 1 or more")
        networks = find_networks(self.spec, _given(generator, discriminator), mapping or {})
        optimizers = {
            "generator": generator_optimizer,
            "discriminator": discriminator_optimizer,
            "pretraining": pretraining_optimizer,
        }
        optimizers = {name: each for name, each in optimizers.items() if each is not None}
        for name in optimizers:
            owner = "discriminator" if name == "pretraining" else name
            if owner not in networks:
                raise UsageError(f"case.watch got {name}_optimizer without {owner}; give both")
        request = self._request
        self._walk = Walk(self.spec, request.state, request.tape, dtype=request.dtype)
        self._watcher = Watcher(networks, optimizers, self._walk)
        self._watched_steps = steps

    @property
    def spec(self) -> GanSpec:
        """The GAN, with the case's numbers of steps."""
        return self._request.spec

    @property
    def initial_state(self) -> dict[str, Any]:
        """The state to start from, by canonical name: copies, of the case's type, counters as integers."""
        return {name: self._request.to_tensor(self._cast(array)) for name, array in self._request.state.items()}

    def __len__(self) -> int:
        return sum(num_steps(self.spec, phase) for phase in PHASES)

    def __iter__(self) -> Iterator[Step]:
        if self._began:
            raise UsageError("the case has been gone through; make another with gan_rosetta.case for another run")
        self._began = True
        return self._steps()

    def judge(self) -> Judgement:
        """Judge what was recorded, which trains the reference and its randomly rounding copies in this process.

        Where the program parts, its steps are computed again with the mistakes that may explain it.
        """
        if self._open is not None and not self._missing(self._open):
            self._close(self._open)  # The program left the loop after this step.
        request = self._request
        reference, yardstick = measure_reference(
            self.spec, request.state, request.tape, dtype=request.dtype, seed=request.seed
        )
        losses = self._recording.losses
        self.judgement = judge_program(
            replace(reference, name=PROGRAM_NAME, losses=losses, moments={}),
            sorted(self._recording.dtypes),
            reference=reference,
            yardstick=yardstick,
            spec=self.spec,
            walk=self._walk,
            notes=[*self._notes, *(self._watcher.notes() if self._watcher is not None else ())],
            explain=partial(
                explain_program,
                self.spec,
                request.state,
                request.tape,
                dtype=request.dtype,
                losses=losses,
                yardstick=yardstick,
                walk=self._walk,
            ),
        )
        return self.judgement

    def _steps(self) -> Iterator[Step]:
        for phase in PHASES:
            for index in range(num_steps(self.spec, phase)):
                visit = self._open = Visit(phase=phase, step=index)
                yield self._make_step(visit)
                if self._open != visit:
                    continue  # It was judged, and so ended, within the loop.
                missing = self._missing(visit)
                if missing:
                    wanted = ", ".join(f"{name}=…" for name in missing)
                    raise UsageError(f"{visit.label} ended without step.record({wanted}); record each step's losses")
                self._close(visit)

    def _make_step(self, visit: Visit) -> Step:
        chunk = make_chunk(self._request.tape, self.spec, visit.phase, first_step=visit.step, num_steps=1)

        def record(losses: Mapping[str, Any]) -> None:
            if visit != self._open:
                raise UsageError(f"{visit.label} has ended, and its losses with it; record them before the next step")
            self._recording.keep(visit, losses, rests=rests)

        rests = self._rests(visit)
        # Classes come as the whole numbers that an embedding asks for.
        given = {name: array.astype(np.int64) if is_label(name) else array for name, array in chunk.arrays.items()}
        cast = {name: self._cast(array[0]) for name, array in given.items()}
        if self._watcher is not None and self._is_watched(visit):
            real = cast.get("real")
            shown = real if real is None else shown_when_asked(self.spec, real, cast["latent_d"])
            self._watcher.begin(visit, real=shown)
        arrays = {name: self._request.to_tensor(array) for name, array in cast.items()}
        return Step(visit, arrays, rests=rests, record=record, watcher=self._watcher)

    def _rests(self, visit: Visit) -> frozenset[str]:
        """Return the losses of a step that are of players which do not train in it."""
        epoch = self._request.tape.steps_per_epoch()
        return frozenset(
            name
            for name in expected_losses(self.spec, visit.phase)
            if not self.spec.training.steps_of(name).includes(visit.step, steps_per_epoch=epoch)
        )

    def _missing(self, visit: Visit) -> list[str]:
        return self._recording.missing(visit.phase, rests=self._rests(visit))

    def _close(self, visit: Visit) -> None:
        losses = self._recording.close(visit.phase)
        self._open = None
        if self._watcher is not None and self._is_watched(visit):
            rests = self._rests(visit)
            trained = {name: loss for name, loss in losses.items() if name not in rests}
            self._watcher.end(visit, trained)

    def _is_watched(self, visit: Visit) -> bool:
        return visit.step < self._watched_steps

    def _cast(self, array: np.ndarray) -> np.ndarray:
        """Return a copy in the case's type; counters stay integers."""
        dtype = self._request.dtype if np.issubdtype(array.dtype, np.floating) else array.dtype
        return np.array(array, dtype=dtype, order="C")
