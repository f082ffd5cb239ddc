"""A step computed again by the reference with faults planted in it, beside what was observed of that step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.tolerance import WHOLE, Tolerance, is_explained, num_copies
from gan_rosetta.shared.compare.yardstick import LOSS_NAMES
from gan_rosetta.shared.diagnose.passes import first_other_pass
from gan_rosetta.shared.faults import Plant, PlantedTrainer
from gan_rosetta.shared.interface import Chunk, PerturbedTrainer, ProbeKey, Trainer
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import ROLES, State, state_schema
from gan_rosetta.shared.workers.registry import load_reference

# Of whose distance a multiple tells that no rounding explains a difference.
_FEW_COPIES = 2
_FAR = 100.0


@dataclass(frozen=True, kw_only=True)
class ObservedStep:
    """What a program computed in a step, from a state and on a chunk that are known.

    state: before the chunk. chunk: its last step was looked into, those before it were only trained. quantities: in
    order of execution, each in the canonical layout; phase "train" names the losses of the step and the state after
    it as training, and not the look, left them. noise: how far rounding alone takes each, 0 where it is not there.
    is_whole: everything was looked at, so that what is not among the quantities was not computed.
    """

    label: str
    state: State
    chunk: Chunk
    quantities: Mapping[ProbeKey, np.ndarray]
    noise: Mapping[ProbeKey, float]
    is_whole: bool = True


@dataclass(frozen=True, kw_only=True)
class Computed:
    """What a step computed, in order, and how large the numbers are that each loss is made of."""

    quantities: Mapping[ProbeKey, np.ndarray]
    scales: Mapping[ProbeKey, float]


class _Measured(Mapping[ProbeKey, float]):
    """A number of each quantity, measured as it is asked for: what comes behind the first that is off never is."""

    def __init__(self, keys: Iterable[ProbeKey], measure: Callable[[ProbeKey], float], /) -> None:
        self._keys, self._measure = dict.fromkeys(keys), measure
        self._found: dict[ProbeKey, float] = {}

    def __getitem__(self, key: ProbeKey) -> float:
        if key not in self._keys:
            raise KeyError(key)
        if key not in self._found:
            self._found[key] = self._measure(key)
        return self._found[key]

    def __iter__(self) -> Iterator[ProbeKey]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a step that was computed again stands to what was observed of it.

    computed: what it is. differences, allowed: of each quantity that was observed, in order. other_pass: where the
    passes are others.
    """

    computed: Computed
    differences: Mapping[ProbeKey, float]
    allowed: Mapping[ProbeKey, float]
    other_pass: ProbeKey | None

    @property
    def first_off(self) -> ProbeKey | None:
        """The first quantity that rounding does not explain, in the order in which a diagnosis looks, or None."""
        if self.other_pass is not None:
            return self.other_pass
        return next((key for key in self.differences if self.is_off(key)), None)

    @property
    def place(self) -> int:
        """How far everything is explained: the place of the first quantity that is off, -1 for the order of passes."""
        first = self.first_off
        if first is None:
            return len(self.differences)
        return -1 if first == self.other_pass else list(self.differences).index(first)

    def is_off(self, key: ProbeKey, /) -> bool:
        """Whether rounding does not explain a quantity's difference."""
        return not is_explained(self.differences[key], self.allowed[key])

    def is_told(self, key: ProbeKey, /) -> bool:
        """Whether a quantity agrees, and could have been seen not to: not where rounding explains any difference."""
        return key in self.differences and not self.is_off(key) and self.allowed[key] < WHOLE


class OutOfBudget(Exception):
    """As many steps were computed again as can be afforded."""


@dataclass
class Replay:
    """Computes steps again, with and without faults, as long as there is budget: steps that may still be computed."""

    spec: GanSpec
    dtype: str
    budget: int
    num_computed: int = 0
    _tolerance: Tolerance = field(init=False)
    _reference: type[PerturbedTrainer] = field(init=False)
    # Copies that round as those do that are made again and again, and so keep what they draw from.
    _pools: dict[int, PerturbedTrainer] = field(init=False, default_factory=dict)
    _last: tuple[Sequence[Plant], Trainer | PlantedTrainer, PerturbedTrainer] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._tolerance = Tolerance(num_copies=num_copies(self.spec), dtype=self.dtype)
        self._reference = load_reference()

    def compute(self, plants: Sequence[Plant], step: ObservedStep, /) -> Computed:
        """Return what the reference with these faults computes in a step; raises OutOfBudget, SpecError."""
        if self._last is None or self._last[0] is not plants:
            self._last = (plants, *self._build(plants))
        _, trainer, reference = self._last
        return self._run(trainer, reference, step)

    def compare(self, computed: Computed, step: ObservedStep, /, *, noise: Mapping[ProbeKey, float]) -> Standing:
        """Return how a step stands to what was observed of it. noise: of the faulty program, beside the step's own."""
        other_pass = first_other_pass(step.quantities, computed.quantities) if step.is_whole else None

        def difference(key: ProbeKey) -> float:
            observed, own = step.quantities.get(key), computed.quantities.get(key)
            if observed is None or own is None:
                return float("inf")
            return difference_of(observed, own, scale=computed.scales.get(key, 0.0))

        def allowed(key: ProbeKey) -> float:
            if key not in step.quantities:
                return 0.0
            amount = max(step.noise.get(key, 0.0), noise.get(key, 0.0))
            return self._tolerance.allowed(amount, is_counter=key.quantity == "counter")

        keys = list(step.quantities)
        if step.is_whole:
            keys += [key for key in computed.quantities if key not in step.quantities and key.phase != "train"]
        return Standing(
            computed=computed,
            differences=_Measured(keys, difference),
            allowed=_Measured(keys, allowed),
            other_pass=other_pass,
        )

    def compare_by_own_noise(
        self, computed: Computed, plants: Sequence[Plant], step: ObservedStep, /, *, key: ProbeKey | None
    ) -> Standing:
        """Return how a step stands by the rounding of the faulty program too; raises OutOfBudget, SpecError.

        key: what must be explained; where the coarsest copies come nowhere near that, the others are spared.
        """
        order = sorted(range(self._tolerance.num_copies), key=lambda index: -self._tolerance.coarseness[index])
        coarsest = self._tolerance.coarseness[order[0]]
        copies: list[_Measured] = []
        for count, index in enumerate(order):
            if count == _FEW_COPIES and key is not None:
                # What is so many times as far as two copies went is not rounding, whatever the others do.
                far = _largest(copies, times=_FAR)
                if self.compare(computed, step, noise=far).place <= _place(step, key):
                    return self.compare(computed, step, noise={})
            if count and key is not None and self._tolerance.coarseness[index] < coarsest:
                # So many times as coarse, and still not as far: what it would take is not rounding.
                standing = self.compare(computed, step, noise=_largest(copies))
                if standing.place <= _place(step, key):
                    return standing
                key = None
            copies.append(self._distances(computed, plants, step, index))
        return self.compare(computed, step, noise=self._noise(copies, order))

    def measure_noise(self, plants: Sequence[Plant], step: ObservedStep, /) -> dict[ProbeKey, float]:
        """Return how far rounding alone takes each quantity of a program; raises OutOfBudget, SpecError."""
        computed = self.compute(plants, step)
        order = range(self._tolerance.num_copies)
        return dict(self._noise([self._distances(computed, plants, step, index) for index in order], order))

    def _noise(self, copies: Sequence[_Measured], order: Sequence[int]) -> _Measured:
        """Return what rounding does to each quantity, as some copies in that order show it."""
        own = [copies[order.index(index)] for index in sorted(order)]
        return _Measured(own[0], lambda key: float(self._tolerance.noise([copy[key] for copy in own])))

    def _distances(self, computed: Computed, plants: Sequence[Plant], step: ObservedStep, index: int) -> _Measured:
        """Return how far a copy that rounds at random is from what the program computes."""
        if index not in self._pools:
            _, self._pools[index] = self._build(())
            self._pools[index].perturb(seed=index, coarseness=self._tolerance.coarseness[index])
        trainer, reference = self._build(plants)
        reference.perturb(seed=index, coarseness=self._tolerance.coarseness[index])
        found = self._run(trainer, reference, step).quantities

        def distance(key: ProbeKey) -> float:
            return tensor_difference(found[key], computed.quantities[key], scale=computed.scales.get(key, 0.0))

        return _Measured(found, distance)

    def _build(self, plants: Sequence[Plant]) -> tuple[Trainer | PlantedTrainer, PerturbedTrainer]:
        built = plants[-1].spec if plants else self.spec
        reference = self._reference.build(built, device="cpu", dtype=self.dtype, execution="eager")
        trainer: Trainer | PlantedTrainer = reference
        for place, plant in enumerate(plants):
            # Of what is in the GAN alone, one tells what else that is fed.
            if place == 0 or plant.load or plant.unload or plant.chunk:
                trainer = PlantedTrainer(trainer, replace(plant, spec=built, seen_as=None))
        if any(plant.seen_as is not None for plant in plants):
            seen = Plant(spec=built, expected=plants[-1].expected, seen_as=self.spec)
            trainer = PlantedTrainer(trainer, seen)
        return trainer, reference

    def _run(self, trainer: Trainer | PlantedTrainer, reference: PerturbedTrainer, step: ObservedStep) -> Computed:
        if self.num_computed + step.chunk.num_steps > self.budget:
            raise OutOfBudget
        self.num_computed += step.chunk.num_steps
        trainer.load_state(step.state)
        before, last = _split(step.chunk)
        if before is not None:
            trainer.train(trainer.stage(before))
        quantities = trainer.probe(last)
        scales = dict(reference.loss_scales())
        for key, source in trained_keys(quantities, self.spec).items():
            quantities[key] = quantities[source]
            scales[key] = scales.get(source, 0.0)
        return Computed(quantities=quantities, scales=scales)


def _largest(copies: Sequence[_Measured], *, times: float = 1.0) -> _Measured:
    """Return how far the copy that went furthest went in each quantity, so many times."""
    return _Measured(copies[0], lambda key: times * max(copy[key] for copy in copies))


def _place(step: ObservedStep, key: ProbeKey) -> int:
    """Return the place of a quantity in the order in which a diagnosis looks, -1 for the order of passes."""
    return next((place for place, each in enumerate(step.quantities) if each == key), -1)


def difference_of(observed: np.ndarray, computed: np.ndarray, /, *, scale: float) -> float:
    """Return how far apart two tensors are, infinitely where they are not of one shape."""
    if np.shape(observed) != np.shape(computed):
        return float("inf")
    return tensor_difference(np.asarray(observed), np.asarray(computed), scale=scale)


def _split(chunk: Chunk) -> tuple[Chunk | None, Chunk]:
    """Return the steps before a chunk's last, if any, and the last."""
    if chunk.num_steps == 1:
        return None, chunk
    cut = chunk.num_steps - 1
    return chunk.steps(slice(0, cut)), chunk.steps(slice(cut, None))


def trained_keys(keys: Iterable[ProbeKey], spec: GanSpec, /) -> dict[ProbeKey, ProbeKey]:
    """Return the keys of what training leaves of a step, each with the key of the look that is the same number."""
    known = dict.fromkeys(keys)
    found = {
        ProbeKey("train", "loss", "", name): ProbeKey(name, "loss", "", "loss")
        for name in LOSS_NAMES
        if ProbeKey(name, "loss", "", "loss") in known
    }
    last = {key.name: key for key in known if key.quantity in ROLES}
    roles = {name: tensor.role for name, tensor in state_schema(spec).items()}
    return found | {ProbeKey("train", roles[name], "", name): key for name, key in last.items()}
