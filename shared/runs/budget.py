"""What a run needs at least, counted from its spec, against what the machine has: refused before anything is started.

The counts are of numbers that cannot be done without, so that what is refused could not have ended; frameworks take
more. Time is left to whoever asks: a step more is a step longer, and says so.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gan_rosetta.shared.errors import SpecError, UsageError
from gan_rosetta.shared.runs.chunk_sizes import chunk_size
from gan_rosetta.shared.runs.samples import num_samples
from gan_rosetta.shared.spec import DigitsReal, GanSpec, LinearGaussianReal, MinibatchDiscrimination, Network
from gan_rosetta.shared.state.schema import state_schema
from gan_rosetta.shared.storage.memory import available_bytes

_NUMBER_BYTES = 8
# A run holds its state as it was given, as the framework has it, and as it is exported.
_COPIES_OF_A_STATE = 3
# A digest of the tape at the end of each chunk, as a text in a table.
_DIGEST_BYTES = 150
_LARGEST = 2**62
_WORDS = {1 << 60: "EB", 1 << 50: "PB", 1 << 40: "TB", 1 << 30: "GB", 1 << 20: "MB"}


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a run takes at least, in bytes."""

    memory: int
    disk: int


@dataclass(frozen=True, kw_only=True)
class _Lever:
    """A number of a spec that decides what it needs. set: the spec with another.

    noun: what it counts; option: that sets it, key: what a GAN's description calls it.
    """

    noun: str
    option: str
    key: str
    value: int
    set: Callable[[int], GanSpec]


def need_of(spec: GanSpec, /, *, num_copies: int = 0) -> Need:
    """Return what a run of a GAN takes at least. num_copies: of the reference, that train beside it."""
    state = sum(math.prod(tensor.shape) for tensor in state_schema(spec).values())
    pretraining = spec.num_pretraining_steps
    steps = spec.training.num_steps + pretraining
    losses = len(spec.training.loss_names) * spec.training.num_steps + pretraining
    real, latent = math.prod(spec.real.sample_shape), math.prod(spec.latent.sample_shape)
    size = chunk_size(spec)
    shown = num_samples(spec)
    numbers = [
        state * (_COPIES_OF_A_STATE + num_copies),
        spec.batch_size * _values_of_a_sample(spec) + _values_of_pairs(spec),
        min(size, spec.training.num_steps) * spec.batch_size * (real + latent),
        _values_of_a_pool(spec),
        # Joined from their chunks, and of copies also their noise and their scales.
        losses * (2 + 2 * min(1, num_copies)),
        shown * (2 * real + latent + _widest(spec.generator)),
    ]
    digests = steps // size * _DIGEST_BYTES
    kept = state * (1 + num_copies) + losses + shown * (2 * real + latent)
    return Need(memory=_NUMBER_BYTES * sum(numbers) + digests, disk=_NUMBER_BYTES * kept + digests)


def require_room(
    spec: GanSpec,
    /,
    *,
    folder: Path | None = None,
    num_copies: int = 0,
    num_runs: int = 1,
    said: str = "the run",
    has_options: bool = True,
) -> None:
    """Raise UsageError, with the number that would fit, where memory or a disk has no room for runs of a GAN.

    folder: where they are written, None where nothing is. num_copies: of the reference, in one of them; num_runs: at
    the same time. has_options: whether whoever asks can say other numbers than the GAN's description has.
    """
    memory, disk = available_bytes(), _LARGEST if folder is None else _free_bytes(folder)

    def over(tried: GanSpec) -> tuple[str, int, int] | None:
        reference, other = need_of(tried, num_copies=num_copies), need_of(tried)
        needed = reference.memory + (num_runs - 1) * other.memory
        if needed > memory:
            return "memory", needed, memory
        needed = reference.disk + (num_runs - 1) * other.disk
        return ("disk", needed, disk) if needed > disk else None

    found = over(spec)
    if found is None:
        return
    what, needed, free = found
    fitting = [(lever, _most_that_fits(lever, over)) for lever in _levers(spec)]
    # What has to change least: the number that is furthest beyond those that people give.
    best = max((entry for entry in fitting if entry[1]), key=lambda entry: entry[0].value, default=None)
    if best is None:
        remedy = _widest_said(spec)
    else:
        lever, most = best
        name = lever.option if has_options and lever.option else lever.key
        remedy = f"at most {most:,} {lever.noun} ({name}) fit"
    raise UsageError(
        f"{said} of {spec.name!r} takes {_amount(needed)} of {what} at least, {_amount(free)} are free; {remedy}"
    )


def _levers(spec: GanSpec) -> Iterator[_Lever]:
    training, pretraining, real = spec.training, spec.pretraining, spec.real
    yield _Lever(
        noun="steps",
        option="--steps",
        key="training.num_steps",
        value=training.num_steps,
        set=lambda n: spec.with_steps(training=n),
    )
    if pretraining is not None:
        yield _Lever(
            noun="steps of pretraining",
            option="--pretrain-steps",
            key="pretraining.num_steps",
            value=pretraining.num_steps,
            set=lambda n: spec.with_steps(pretraining=n),
        )
    yield _Lever(
        noun="samples a step",
        option="--batch-size",
        key="batch_size",
        value=spec.batch_size,
        set=lambda n: replace(spec, batch_size=n),
    )
    if isinstance(real, LinearGaussianReal):
        yield _Lever(
            noun="points",
            option="",
            key="real.num_points",
            value=real.num_points,
            set=lambda n: replace(spec, real=replace(real, num_points=n)),
        )


def _widest_said(spec: GanSpec) -> str:
    """Say which layer takes most, by its parameters and by what it makes of a sample."""
    sizes: dict[str, int] = {}
    for network, own in spec.networks().items():
        for placed in own.placed:
            sizes[f"{network}.{placed.name}"] = math.prod(placed.output_shape)
    for tensor in state_schema(spec).values():
        if tensor.role == "parameter":
            layer = f"{tensor.network}.{tensor.layer}"
            sizes[layer] = sizes.get(layer, 0) + math.prod(tensor.shape)
    widest = max(sizes, key=lambda name: sizes[name])
    return f"make its layers smaller, first {widest}, which has {sizes[widest]:,} numbers"


def _most_that_fits(lever: _Lever, over: Callable[[GanSpec], object]) -> int:
    """Return the largest number with which a spec fits, 0 where none does."""
    low, high = 0, lever.value
    while high - low > 1:
        middle = (low + high) // 2
        try:
            fits = over(lever.set(middle)) is None
        except SpecError:  # A batch of one, which a BatchNorm does not allow.
            fits = True
        low, high = (middle, high) if fits else (low, middle)
    return low


def _values_of_a_sample(spec: GanSpec) -> int:
    """Return how many numbers one sample's way through both networks is, each kept for its gradient."""
    return sum(math.prod(placed.output_shape) for network in spec.networks().values() for placed in network.placed)


def _values_of_pairs(spec: GanSpec) -> int:
    """Return how many numbers minibatch discrimination makes of a batch: each sample's distance from each other."""
    return max(
        (
            spec.batch_size**2 * layer.num_kernels
            for network in spec.networks().values()
            for layer in network.all_layers
            if isinstance(layer, MinibatchDiscrimination)
        ),
        default=0,
    )


def _values_of_a_pool(spec: GanSpec) -> int:
    """Return how many numbers the samples are that every epoch goes through, and what they are drawn from."""
    source = spec.real
    if isinstance(source, LinearGaussianReal):
        size = len(source.offset)
        return source.num_points * size * (2 + size)
    if isinstance(source, DigitsReal) and source.num_images is not None:
        return source.num_images * math.prod(source.sample_shape)
    return 0


def _widest(network: Network) -> int:
    return max(math.prod(placed.output_shape) for placed in network.placed)


def require_room_for_seeds(spec: GanSpec, num_seeds: int, /) -> None:
    """Raise UsageError, with the number that would fit, where memory has no room for the losses of so many seeds."""
    losses = len(spec.training.loss_names) * spec.training.num_steps + spec.num_pretraining_steps
    # As they are trained, in one array, and on their way to the file.
    one, memory = 3 * _NUMBER_BYTES * losses, available_bytes()
    if num_seeds * one > memory:
        raise UsageError(
            f"--seeds {num_seeds} of {spec.name} would take {_amount(num_seeds * one)} of memory for their losses, and "
            f"{_amount(memory)} are free; {memory // one} would fit"
        )


def _free_bytes(folder: Path) -> int:
    for place in (folder.absolute(), *folder.absolute().parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:  # Not there yet.
            continue
    return _LARGEST


def _amount(num_bytes: int) -> str:
    for size, word in _WORDS.items():
        if num_bytes >= size:
            return f"{num_bytes / size:,.3g} {word}" if num_bytes < 1000 * (1 << 60) else f"{num_bytes:.1e} bytes"
    return f"{num_bytes:,} bytes"
