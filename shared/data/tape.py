"""The tape: every real and random number of a run, a pure function of (spec, seed, step), stacked into chunks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from gan_rosetta.shared.data import streams
from gan_rosetta.shared.data.holes import cut_holes, hole_corners, start_of
from gan_rosetta.shared.data.image_source import ImageSource
from gan_rosetta.shared.data.noise import latent_noise
from gan_rosetta.shared.data.pools import batches_per_epoch, fixed_classes, fixed_pool
from gan_rosetta.shared.data.toys import toy_points
from gan_rosetta.shared.data.turns import trained_steps
from gan_rosetta.shared.interface import Chunk, Phase
from gan_rosetta.shared.spec import DigitsReal, GanSpec, GaussianReal, HoledLatent, Shape, SineReal
from gan_rosetta.shared.spec.feeding import REAL_LABEL, fed_shapes, is_label, labels, mask_draws
from gan_rosetta.shared.spec.sources import drawn_once
from gan_rosetta.shared.spec.toys import ToyReal


class Tape(Protocol):
    """A source of chunks; the seeded one is below, one read from a file in shared/data/tape_file.py."""

    def batch_size(self, phase: Phase, step: int, /) -> int:
        """Return the number of samples in a step's batch."""
        ...

    def num_steps(self, phase: Phase, /) -> int | None:
        """Return how many steps it has until it would feed again what the GAN has new in each; None without end."""
        ...

    def steps_per_epoch(self) -> int | None:
        """Return how many adversarial steps a pass over the real data takes; None where they are fresh without end."""
        ...

    def arrays(self, phase: Phase, /, *, first_step: int, num_steps: int) -> dict[str, np.ndarray]:
        """Return the phase's arrays for a range of steps of one batch size, each (num_steps, batch, ...)."""
        ...


def array_shapes(spec: GanSpec, phase: Phase, /) -> dict[str, Shape]:
    """Return the per-sample shape of each tape array that a phase of the GAN uses."""
    fed = fed_shapes(spec, pretraining=phase == "pretraining")
    if phase == "pretraining":
        return {"pretrain_input": (1,), "pretrain_target": (1,)} | fed if spec.pretraining is not None else {}
    shapes = {"real": spec.real.sample_shape, "latent_d": spec.latent.sample_shape}
    if spec.training.latent_draws == "separate":
        shapes["latent_g"] = spec.latent.sample_shape
    if spec.training.joint_optimizer is not None:
        shapes["latent_j"] = spec.latent.sample_shape
    if spec.penalty is not None and spec.penalty.mixes:
        by_entry = spec.penalty.mixing == "entry"
        shapes["mix"] = spec.real.sample_shape if by_entry else (1,) * len(spec.real.sample_shape)
    if spec.uses_perturbation:
        shapes["perturbation"] = spec.real.sample_shape
    return shapes | fed


def repeats(spec: GanSpec, name: str, /) -> bool:
    """Whether the GAN has a tape array begin again after some steps: one epoch, or a single step."""
    if name.startswith(("latent", "label")):
        return drawn_once(spec.latent)
    if name == "real" and isinstance(spec.real, DigitsReal) and spec.real.part is not None:
        return False
    return name in ("real", REAL_LABEL) and (isinstance(spec.real, SineReal) or not _reshuffles(spec))


def chunks(tape: Tape, spec: GanSpec, phase: Phase, /, *, first_step: int, stop: int, size: int) -> Iterator[Chunk]:
    """Yield the steps from first_step up to stop as chunks of at most `size` steps, each of one batch size."""
    step = first_step
    while step < stop:
        batch_size = tape.batch_size(phase, step)
        num_steps = 1
        while num_steps < size and step + num_steps < stop and tape.batch_size(phase, step + num_steps) == batch_size:
            num_steps += 1
        yield make_chunk(tape, spec, phase, first_step=step, num_steps=num_steps)
        step += num_steps


def make_chunk(tape: Tape, spec: GanSpec, phase: Phase, /, *, first_step: int, num_steps: int) -> Chunk:
    """Return one chunk; its steps must share a batch size."""
    epoch = tape.steps_per_epoch()
    discriminator, generator = (
        trained_steps(spec, player, first_step=first_step, num_steps=num_steps, steps_per_epoch=epoch)
        & (phase == "adversarial")
        for player in ("discriminator", "generator")
    )
    return Chunk(
        phase=phase,
        first_step=first_step,
        arrays=tape.arrays(phase, first_step=first_step, num_steps=num_steps),
        trains_discriminator=discriminator,
        trains_generator=generator,
        epochs=_epochs(spec, epoch, first_step=first_step, num_steps=num_steps) if phase == "adversarial" else None,
    )


def _epochs(spec: GanSpec, steps_per_epoch: int | None, *, first_step: int, num_steps: int) -> np.ndarray | None:
    """Return how many passes over the real data came before each step, or None where nothing hangs on it."""
    if steps_per_epoch is None or not spec.training.counts_epochs:
        return None
    return np.arange(first_step, first_step + num_steps) // steps_per_epoch


class SeededTape:
    """The tape that a seed gives. digits: where images come from; only the GANs on images read it."""

    def __init__(self, spec: GanSpec, /, *, seed: int, digits: ImageSource) -> None:
        self._spec = spec
        self._seed = seed
        self._pool = fixed_pool(spec, seed, digits)
        self._classes = fixed_classes(spec, digits) if REAL_LABEL in labels(spec) else None

    def batch_size(self, phase: Phase, step: int, /) -> int:
        if self._pool is None or phase == "pretraining":
            return self._spec.batch_size
        place = step % self._epoch_of(self._pool) // self._spec.training.steps_per_batch
        return min(self._spec.batch_size, len(self._pool) - place * self._spec.batch_size)

    def num_steps(self, phase: Phase, /) -> int | None:
        del phase
        return None

    def steps_per_epoch(self) -> int | None:
        return None if self._pool is None else self._epoch_of(self._pool)

    def arrays(self, phase: Phase, /, *, first_step: int, num_steps: int) -> dict[str, np.ndarray]:
        if phase == "pretraining":
            return self._pretraining(first_step, num_steps) | self._masks(phase, first_step, num_steps)
        batch = self.batch_size(phase, first_step)
        steps = range(first_step, first_step + num_steps)
        result = {"real": self._real(steps, batch)}
        if isinstance(self._spec.latent, HoledLatent):
            result |= self._holed(self._spec.latent, result["real"], steps, batch)
        # Always drawn for a whole batch: a step's place in its stream follows from the size, and no two may overlap.
        full = self._spec.batch_size
        for name, shape in array_shapes(self._spec, phase).items():
            if name in result:
                continue
            if name.startswith("latent"):
                result[name] = latent_noise(self._spec.latent, self._seed, name, steps, batch=batch, full=full)
            elif name == REAL_LABEL and self._classes is not None:
                result[name] = self._classes[self._chosen(steps, batch)]
            elif is_label(name):
                result[name] = self._asked_classes(name, steps, batch)
            elif name in ("mix", "perturbation"):
                size = full * math.prod(shape)
                drawn = streams.uniform(self._seed, name, first_step=first_step, num_steps=num_steps, size=size)
                result[name] = drawn.reshape(num_steps, full, *shape)[:, :batch]
        return result | self._masks(phase, first_step, num_steps)

    def _holed(self, latent: HoledLatent, images: np.ndarray, steps: range, batch: int) -> dict[str, np.ndarray]:
        """Return what G starts from, the batches' images with holes, and what D is shown as real."""
        first, *_ = served = [step // self._spec.training.steps_per_batch for step in steps]
        full, count = self._spec.batch_size, served[-1] - first + 1
        drawn = streams.uniform(self._seed, "hole", first_step=first, num_steps=count, size=2 * full)
        corners = hole_corners(latent, drawn.reshape(count, full, 2)[np.array(served) - first, :batch])
        holed, parts = cut_holes(latent, images, corners)
        source = self._spec.real
        whole = not isinstance(source, DigitsReal) or source.part is None
        return {"real": images if whole else parts, "latent_d": start_of(latent, images, holed)}

    def _asked_classes(self, name: str, steps: range, batch: int) -> np.ndarray:
        """Return the classes that G is asked for, drawn evenly: for every step, or once where the noise is."""
        full, stays = self._spec.batch_size, repeats(self._spec, name)
        first, count = (0, 1) if stays else (steps.start, len(steps))
        drawn = streams.uniform(self._seed, name, first_step=first, num_steps=count, size=full)
        classes = np.floor(drawn * DigitsReal.num_classes)
        return np.broadcast_to(classes, (len(steps), full))[:, :batch].copy()

    def _masks(self, phase: Phase, first_step: int, num_steps: int) -> dict[str, np.ndarray]:
        """Return what the phase's dropouts keep, 0 or 1, and what its augmentations draw."""
        full, batch = self._spec.batch_size, self.batch_size(phase, first_step)
        result = {}
        for mask in mask_draws(self._spec, pretraining=phase == "pretraining"):
            size = full * math.prod(mask.shape)
            drawn = streams.uniform(self._seed, mask.drawn_as, first_step=first_step, num_steps=num_steps, size=size)
            result[mask.name] = mask.drawn(drawn.reshape(num_steps, full, *mask.shape))[:, :batch]
        return result

    def period(self, name: str, /) -> int | None:
        """Return after how many steps an array, or "batch_size", repeats exactly; None where it does not."""
        pool = self._pool
        if name == "batch_size" or (name in ("real", REAL_LABEL) and repeats(self._spec, name)):
            return 1 if pool is None else self._epoch_of(pool)
        return 1 if repeats(self._spec, name) else None

    def _epoch_of(self, pool: np.ndarray) -> int:
        return batches_per_epoch(self._spec, len(pool)) * self._spec.training.steps_per_batch

    def _pretraining(self, first_step: int, num_steps: int) -> dict[str, np.ndarray]:
        pretraining = self._spec.pretraining
        if pretraining is None:
            return {}
        data = pretraining.data
        batch = self._spec.batch_size
        drawn = streams.uniform(self._seed, "pretrain_input", first_step=first_step, num_steps=num_steps, size=batch)
        inputs = (data.low + (data.high - data.low) * drawn).reshape(num_steps, batch, 1)
        # scipy.stats.norm.pdf bit for bit, without the second that importing scipy.stats takes.
        targets = np.exp(-(((inputs - data.mean) / data.standard_deviation) ** 2) / 2.0) / np.sqrt(2 * np.pi)
        targets /= data.standard_deviation
        return {"pretrain_input": inputs, "pretrain_target": targets}

    def _real(self, steps: range, batch: int) -> np.ndarray:
        source = self._spec.real
        if isinstance(source, GaussianReal | ToyReal):
            first, *_ = served = [step // self._spec.training.steps_per_batch for step in steps]
            return self._fresh(source, first, served[-1] - first + 1, batch)[np.array(served) - first]
        if isinstance(source, SineReal):
            row = np.sin(np.linspace(0, 2 * np.pi, source.num_points))
            return np.broadcast_to(row, (len(steps), batch, source.num_points)).copy()
        if self._pool is None:
            raise TypeError(f"{type(source).__name__} has no pool of samples to draw from")
        return self._pool[self._chosen(steps, batch)]

    def _fresh(self, source: GaussianReal | ToyReal, first: int, count: int, batch: int) -> np.ndarray:
        """Return so many batches of real samples that are drawn anew for each, from one of them on."""
        size = batch * math.prod(source.sample_shape)
        drawn = streams.normal(self._seed, "real", first_step=first, num_steps=count, size=size)
        if isinstance(source, GaussianReal):
            samples = source.mean + source.standard_deviation * drawn
            return (np.sort(samples, axis=1) if source.sort else samples)[..., np.newaxis]
        places = streams.uniform(self._seed, "real_place", first_step=first, num_steps=count, size=batch)
        return toy_points(source, places, drawn.reshape(count, batch, *source.sample_shape))

    def _chosen(self, steps: range, batch: int) -> np.ndarray:
        """Return which samples of the pool the steps take, (len(steps), batch)."""
        pool = self._pool
        if pool is None:
            raise TypeError(f"{type(self._spec.real).__name__} has no pool of samples to draw from")
        per_epoch = self._epoch_of(pool)
        chosen = np.empty((len(steps), batch), dtype=np.int64)
        order, order_epoch = np.arange(len(pool)), -1
        for row, step in enumerate(steps):
            epoch, place = divmod(step, per_epoch)
            place //= self._spec.training.steps_per_batch
            if epoch != order_epoch and _reshuffles(self._spec):
                order, order_epoch = streams.permutation(self._seed, "order", epoch=epoch, size=len(pool)), epoch
            start = place * self._spec.batch_size
            chosen[row] = order[start : start + batch]
        return chosen


def _reshuffles(spec: GanSpec) -> bool:
    return spec.real.reshuffle if isinstance(spec.real, DigitsReal) else True


def describe_arrays(arrays: Mapping[str, np.ndarray], /) -> str:
    """Return the arrays' names and shapes in one line, for messages."""
    return ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
