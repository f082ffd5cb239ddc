"""The yardstick: how far rounding alone moves a run, measured on the reference.

Copies of the NumPy reference train beside it from the same state and tape, each rounding at random in the last place
after every operation (Monte Carlo arithmetic; Parker 1997), and by one of the formulas in use where there are several.
Their distance from the reference at a step is what two correct programs may differ by at that step: small and slowly
growing while training is stable, growing by a constant factor a step where it is chaotic. A copy nudged only at its
start would say too little where training contracts: it forgets its nudge, while a framework rounds anew at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.compare.distances import Floats, relative_difference, size_of, tensor_difference
from gan_rosetta.shared.compare.outputs import Look, Outputs, evaluate
from gan_rosetta.shared.compare.sketch import sketch_state
from gan_rosetta.shared.compare.tolerance import WHOLE, Tolerance, num_copies
from gan_rosetta.shared.interface import DTYPES, PRODUCTS, Chunk, Losses, PerturbedCopies, PerturbedTrainer
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State
from gan_rosetta.shared.storage.files import write_npz
from gan_rosetta.shared.storage.npz import ArrayType, read_npz, require_arrays

# All that there are; a GAN has those of GanSpec.loss_names.
LOSS_NAMES = ("pretraining", "discriminator", "generator", "joint")
_ALWAYS = LOSS_NAMES[:3]
END = "end"
# What is kept of each loss, step by step.
_KINDS = ("noise", "scales", "losses")
_MOST_COPIES = 1000
# What an export has besides.
_LOST, _OF_COPIES = "lost", "copies/"


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What rounding alone does.

    tolerance: what is allowed, given as much. noise: for each loss the largest difference of any copy up to each step,
    (steps,), as far as the copies were followed, which ends where nothing more can be told. scales: of each loss at
    each step, how large the numbers are that it is made of. losses: the reference's own, as far. tensors: for each
    moment ("pretraining", "step 10", "end") the difference of each tensor of the state and of each output.
    finer: a precision whose runs this compares with those of the tolerance's (mixed.py), "" where it is for runs of
    one.
    """

    tolerance: Tolerance
    noise: Mapping[str, Floats]
    scales: Mapping[str, Floats]
    losses: Mapping[str, Floats]
    tensors: Mapping[str, Mapping[str, float]]
    finer: str = ""

    def loss_differences(self, name: str, first: np.ndarray, second: np.ndarray, /) -> Floats:
        """Return how far two runs' losses of one name are apart, step by step, over the steps that both have.

        Relative to the losses, or to what they are made of where that is larger: one near 0 has no digits of its own.
        """
        length = min(len(first), len(second))
        scale = np.full(length, np.nan)
        known = self.scales[name][:length]
        scale[: len(known)] = known
        return relative_difference(first[:length], second[:length], scale=scale)

    def allowed_losses(self, name: str, /) -> Floats:
        """Return how far apart rounding explains that losses are, at each step as far as that was followed."""
        return self.tolerance.allowed_series(self.noise[name])

    def as_data(self) -> dict[str, Any]:
        """Return what is known of losses as plain data, what is not finite as text; of tensors nothing."""
        series = {kind: {name: list(map(_plain, a)) for name, a in getattr(self, kind).items()} for kind in _KINDS}
        return {**asdict(self.tolerance), **series}

    @classmethod
    def from_data(cls, data: Mapping[str, Any], /) -> Yardstick:
        """Return the yardstick of what as_data gave."""
        tolerance = Tolerance(num_copies=data["num_copies"], dtype=data["dtype"], products=data["products"])
        series: dict[str, Any] = {
            kind: {name: np.array(values, dtype=np.float64) for name, values in data[kind].items()} for kind in _KINDS
        }
        return cls(tolerance=tolerance, tensors={}, **series)

    @property
    def horizon(self) -> int:
        """The number of adversarial steps over which runs can be compared.

        Until rounding alone explains a difference as large as the span of all that the reference's loss ever was; where
        that is next to nothing, until rounding has taken half of the type's digits.
        """
        known = len(self.noise["generator"])
        for name in self.noise:
            if name == "pretraining":
                continue
            told_apart = max(_span(self.losses[name], self.scales[name]), math.sqrt(self.tolerance.floor))
            over = np.flatnonzero(self.allowed_losses(name) > told_apart)
            known = min(known, int(over[0])) if len(over) else known
        return known


def _plain(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(value)


def _span(losses: Floats, scales: Floats) -> float:
    """Return how far apart the largest and the smallest of some losses are, as loss_differences measures it."""
    finite = np.isfinite(losses)
    if not finite.any():
        return 1.0
    values = losses[finite]
    size = max(float(np.abs(values).max()), float(np.nanmax(scales[finite], initial=0.0)))
    return float(values.max() - values.min()) / size if size else 0.0


@dataclass(kw_only=True)
class YardstickFollower:
    """Follows a run of the reference with perturbed copies of it."""

    copies: PerturbedCopies
    spec: GanSpec
    tolerance: Tolerance
    _parts: dict[str, dict[str, list[Floats]]] = field(default_factory=lambda: {kind: {} for kind in _KINDS})
    _worst: dict[str, float] = field(default_factory=dict)
    _tensors: dict[str, dict[str, float]] = field(default_factory=dict)
    _lost: bool = False

    @classmethod
    def start(
        cls,
        build: Callable[[], PerturbedTrainer],
        spec: GanSpec,
        state: State,
        /,
        *,
        dtype: str,
        seed: int,
        products: str = "full",
    ) -> YardstickFollower:
        """Make copies of the reference in its initial state, each of which rounds in its own way.

        products: what the process's products keep, see Device.set_products.
        """
        trainer = build()
        trainer.load_state(state)
        count = num_copies(spec)
        seeds = range(seed * count, (seed + 1) * count)
        tolerance = Tolerance(num_copies=count, dtype=dtype, products=products)
        copies = trainer.perturbed_copies(seeds=seeds, coarseness=tolerance.coarseness)
        return cls(copies=copies, spec=spec, tolerance=tolerance)

    def follow(self, chunk: Chunk, losses: Losses, /) -> None:
        """Train the copies on a chunk and note how far their losses are from the reference's."""
        if self._lost:
            return
        copies_losses = self.copies.train(chunk)
        scales = self.copies.loss_scales()
        for name in self.spec.loss_names:
            values = getattr(losses, name)
            if values is None:
                continue
            others = [getattr(other, name) for other in copies_losses]
            differences = [relative_difference(other, values, scale=scales[name]) for other in others]
            noise = self.tolerance.noise(differences)
            running = np.maximum.accumulate(np.concatenate([[self._worst.get(name, 0.0)], noise]))[1:]
            of_chunk = {"noise": running, "scales": scales[name], "losses": np.asarray(values, dtype=np.float64)}
            for kind, part in of_chunk.items():
                self._parts[kind].setdefault(name, []).append(part)
            self._worst[name] = float(running[-1])
        # Past this a loss may be anything. Following goes on to the chunk's end: the horizon lies inside what is kept.
        worst = max(self._worst.get(name, 0.0) for name in self.spec.training.loss_names)
        self._lost = self.tolerance.allowed(worst) > WHOLE

    def snapshot(self, label: str, state: State, /) -> None:
        """Note how far the copies' tensors are from the reference's; whole tensors at the end, sketches before."""
        if not self._lost:
            shrink = (lambda whole: whole) if label == END else sketch_state
            self._note(label, shrink(state), (shrink(copy) for copy in self.copies.states()))

    def look(self, label: str, look: Look, outputs: Outputs, /) -> None:
        """Note how far what the copies give for a look's inputs is from what the reference gave."""
        if not self._lost:
            self._note(label, sketch_state(outputs), map(sketch_state, look.of_copies(self.copies)))

    def evaluate(self, state: State, /, *, latent: np.ndarray, real: np.ndarray) -> None:
        """Note how far the copies' final states are from the reference's, in evaluation mode."""
        if not self._lost:
            outputs = evaluate(self.spec, state, latent=latent, real=real)
            others = (evaluate(self.spec, copy, latent=latent, real=real) for copy in self.copies.states())
            self._note(END, outputs, others)

    def finish(self) -> Yardstick:
        """Return what was measured."""
        series: dict[str, Any] = self._joined()
        return Yardstick(tolerance=self.tolerance, tensors=self._tensors, **series)

    def export(self) -> dict[str, np.ndarray]:
        """Return what has been measured so far and each copy's state and rounding, for `resume` to go on from."""
        arrays = _to_arrays(self.finish())
        arrays[_LOST] = np.array(self._lost)
        # Copies that are lost are not asked again.
        if not self._lost:
            both = zip(self.copies.export_roundings(), self.copies.states(), strict=True)
            for index, (rounding, state) in enumerate(both):
                arrays[f"{_OF_COPIES}{index}/rounding"] = rounding
                arrays |= {f"{_OF_COPIES}{index}/state/{name}": array for name, array in state.items()}
        return arrays

    def resume(self, arrays: Mapping[str, np.ndarray], /) -> None:
        """Go on from an export; raises ValueError, KeyError or StateError where it is not one of as many copies."""
        measured = _from_arrays(arrays)
        if measured.tolerance != self.tolerance:
            raise ValueError(f"it was measured with {measured.tolerance}; expected {self.tolerance}")
        self._tensors = {label: dict(noise) for label, noise in measured.tensors.items()}
        for kind in _KINDS:
            self._parts[kind] = {name: [values] for name, values in getattr(measured, kind).items()}
        self._worst = {name: float(values[-1]) if len(values) else 0.0 for name, values in measured.noise.items()}
        self._lost = bool(arrays[_LOST])
        if self._lost:
            return
        count = self.tolerance.num_copies
        prefixes = [f"{_OF_COPIES}{index}/state/" for index in range(count)]
        self.copies.load_states(
            [{key.removeprefix(p): array for key, array in arrays.items() if key.startswith(p)} for p in prefixes]
        )
        self.copies.restore_roundings([arrays[f"{_OF_COPIES}{index}/rounding"] for index in range(count)])

    def _note(self, label: str, reference: Outputs, others: Iterable[Outputs]) -> None:
        distances: dict[str, list[float]] = {name: [] for name in reference}
        sizes = {name: size_of(array) for name, array in reference.items()}
        for other in others:
            for name, array in reference.items():
                both = (size_of(other[name]), sizes[name])
                distances[name].append(tensor_difference(other[name], array, sizes=both))
        noise = {name: float(self.tolerance.noise(found)) for name, found in distances.items()}
        self._tensors.setdefault(label, {}).update(noise)

    def _joined(self) -> dict[str, dict[str, Floats]]:
        empty = np.zeros(0)
        return {
            kind: {name: np.concatenate([empty, *parts.get(name, ())]) for name in self.spec.loss_names}
            for kind, parts in self._parts.items()
        }


def write_yardstick(path: Path, yardstick: Yardstick, /) -> None:
    """Write a yardstick to an .npz file, atomically."""
    write_npz(path, _to_arrays(yardstick))


def read_yardstick(path: Path, /) -> Yardstick:
    """Read a yardstick from an .npz file; raises OSError, ValueError or KeyError where it does not hold one."""
    return _from_arrays(read_npz(path))


def _require_measured(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise ValueError unless noise is what noise can be, of as many copies and in such a type as there are."""
    count, dtype = int(arrays["num_copies"]), str(arrays["dtype"])
    products = str(arrays["products"])
    if not 1 <= count <= _MOST_COPIES or dtype not in DTYPES or products not in PRODUCTS:
        found = f"{count} copies in {dtype!r} with {products!r} products"
        raise ValueError(f"it was measured with {found}; expected 1 to {_MOST_COPIES} in {DTYPES} with {PRODUCTS}")
    for name, array in arrays.items():
        measured = name.startswith(("noise/", "scales/")) or name.endswith("/values")
        is_known = name.startswith("scales/") or not measured or not np.isnan(array).any()
        if (measured and np.any(array < 0)) or not is_known:
            raise ValueError(f"{name} has numbers that are no distances")
        if name.startswith("noise/") and np.any(array[1:] < array[:-1]):
            raise ValueError(f"{name} falls, and the largest difference so far cannot")


def _to_arrays(yardstick: Yardstick) -> dict[str, np.ndarray]:
    tolerance = yardstick.tolerance
    arrays = {name: np.array(value) for name, value in asdict(tolerance).items()}
    for kind in _KINDS:
        arrays |= {f"{kind}/{name}": array for name, array in getattr(yardstick, kind).items()}
    for label, noise in yardstick.tensors.items():
        arrays[f"tensors/{label}/names"] = np.array(list(noise), dtype=np.str_)
        arrays[f"tensors/{label}/values"] = np.array(list(noise.values()))
    return arrays


def _from_arrays(arrays: Mapping[str, np.ndarray]) -> Yardstick:
    labels = [key.split("/")[1] for key in arrays if key.startswith("tensors/") and key.endswith("/names")]
    names = [name for name in LOSS_NAMES if name in _ALWAYS or any(f"{kind}/{name}" in arrays for kind in _KINDS)]
    wanted = {f"{kind}/{name}": ArrayType("f", (f"steps of {name}",)) for kind in _KINDS for name in names}
    for label in labels:
        wanted[f"tensors/{label}/names"] = ArrayType("U", (f"tensors of {label}",))
        wanted[f"tensors/{label}/values"] = ArrayType("f", (f"tensors of {label}",))
    wanted |= {"num_copies": ArrayType("i", ()), "dtype": ArrayType("U", ()), "products": ArrayType("U", ())}
    arrays = {name: array for name, array in arrays.items() if name != _LOST and not name.startswith(_OF_COPIES)}
    require_arrays(arrays, wanted)
    _require_measured(arrays)
    tensors = {
        label: dict(zip(*(arrays[f"tensors/{label}/{part}"].tolist() for part in ("names", "values")), strict=True))
        for label in labels
    }
    series: dict[str, Any] = {kind: {name: arrays[f"{kind}/{name}"] for name in names} for kind in _KINDS}
    words = {name: str(arrays[name]) for name in ("dtype", "products")}
    tolerance = Tolerance(num_copies=int(arrays["num_copies"]), **words)
    return Yardstick(tolerance=tolerance, tensors=tensors, **series)
