"""The tape as an .npz file: written from any tape, and read in the seeded one's place.

Each array has a leading step axis. Those that the GAN has begin again (noise that is drawn once, digits in one order)
may be shorter than a run: step t reads index t modulo their length. Where some batches are short, `batch_size` (steps,)
says how short, and the other arrays' rows beyond it are padding. Where a GAN counts steps within epochs,
`steps_per_epoch` () says how long those are; without it the first short batch ends one, and where none is short the
file's real samples are one.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gan_rosetta.shared.data.pools import batches_per_epoch
from gan_rosetta.shared.data.tape import SeededTape, Tape, array_shapes, describe_arrays, repeats
from gan_rosetta.shared.errors import TapeError
from gan_rosetta.shared.interface import Phase
from gan_rosetta.shared.spec import DigitsReal, GanSpec, LinearGaussianReal, Shape
from gan_rosetta.shared.spec.feeding import MASK, is_label, is_mask
from gan_rosetta.shared.storage.files import atomic_path
from gan_rosetta.shared.storage.memory import available_bytes
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.storage.opening import open_regular, what_is

_BATCH_SIZE = "batch_size"
_EPOCH = "steps_per_epoch"
# What another program's single precision may be beyond a range, relative to its width.
_SLACK = 1e-6
_PHASES: tuple[Phase, ...] = ("pretraining", "adversarial")


class FileTape:
    """A tape read from a file, all of it in memory.

    num_steps: of each phase, until what the GAN has new in each step would be fed again; None where nothing is new.
    """

    def __init__(
        self,
        arrays: dict[str, np.ndarray],
        /,
        *,
        path: Path,
        full_batch_size: int,
        batch_sizes: np.ndarray,
        num_steps: Mapping[Phase, int | None],
        steps_per_epoch: int | None,
    ) -> None:
        self.path = path
        self._arrays = arrays
        self._full_batch_size = full_batch_size
        self._batch_sizes = batch_sizes
        self._num_steps = dict(num_steps)
        self._epoch = steps_per_epoch

    @classmethod
    def read(cls, path: Path, spec: GanSpec, /) -> FileTape:
        """Read a tape for this GAN; raises TapeError, naming the file and the array, for anything that does not fit."""
        arrays = _load(path, spec)
        sizes = arrays.pop(_BATCH_SIZE, None)
        epoch = arrays.pop(_EPOCH, None)
        for name in arrays:
            arrays[name] = _finite_numbers(path, name, arrays[name])
        batch_sizes = np.array([spec.batch_size]) if sizes is None else _checked_sizes(path, sizes, spec)
        for name, array in arrays.items():
            _check_range(path, name, array, batch_sizes, spec)
        return cls(
            arrays,
            path=path,
            full_batch_size=spec.batch_size,
            batch_sizes=batch_sizes,
            num_steps={phase: _steps_until_repeated(arrays, spec, phase) for phase in _PHASES},
            steps_per_epoch=_epoch_of(path, spec, arrays, batch_sizes, epoch),
        )

    def batch_size(self, phase: Phase, step: int, /) -> int:
        if phase == "pretraining":
            return self._full_batch_size
        return int(self._batch_sizes[step % len(self._batch_sizes)])

    def num_steps(self, phase: Phase, /) -> int | None:
        return self._num_steps[phase]

    def steps_per_epoch(self) -> int | None:
        return self._epoch

    def arrays(self, phase: Phase, /, *, first_step: int, num_steps: int) -> dict[str, np.ndarray]:
        batch = self.batch_size(phase, first_step)
        steps = np.arange(first_step, first_step + num_steps)
        return {
            name: array[steps % len(array), :batch].astype(np.float64, copy=False)
            for name, array in self._arrays.items()
            if _is_pretraining(name) == (phase == "pretraining")
        }

    def period(self, name: str, /) -> int:
        """Return after how many steps an array, or "batch_size", repeats exactly."""
        if name == _BATCH_SIZE or _is_pretraining(name):
            return len(self._batch_sizes if name == _BATCH_SIZE else self._arrays[name])
        return math.lcm(len(self._arrays[name]), len(self._batch_sizes))


def write_tape(path: Path, tape: Tape, spec: GanSpec, /, *, pretraining_steps: int, training_steps: int) -> None:
    """Write a run's arrays to a file, atomically; what repeats is stored once, and reading gives the same bits.

    The arrays are drawn and written a few steps at a time, so that a tape larger than memory can be written. Raises
    TapeError where the file cannot be written.
    """
    num_steps = {"pretraining": pretraining_steps, "adversarial": training_steps}
    try:
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for phase in _PHASES:
                for name, shape in array_shapes(spec, phase).items():
                    stored = _num_stored(tape, name, num_steps[phase])
                    if stored:
                        _write_array(archive, tape, name, phase=phase, shape=(stored, spec.batch_size, *shape))
            stored = _num_stored(tape, _BATCH_SIZE, training_steps)
            sizes = np.array([tape.batch_size("adversarial", step) for step in range(stored)], dtype=np.int64)
            if np.any(sizes != spec.batch_size):
                with archive.open(f"{_BATCH_SIZE}.npy", "w") as member:
                    np.lib.format.write_array(member, sizes, allow_pickle=False)  # type: ignore[no-untyped-call]
            epoch = tape.steps_per_epoch()
            if spec.training.counts_epochs and epoch is not None:
                with archive.open(f"{_EPOCH}.npy", "w") as member:
                    np.lib.format.write_array(member, np.array(epoch), allow_pickle=False)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise TapeError(f"{path} cannot be written: {error.strerror or error}; name another file") from error


def _num_stored(tape: Tape, name: str, num_steps: int) -> int:
    period = tape.period(name) if isinstance(tape, SeededTape | FileTape) else None
    return num_steps if period is None else min(period, num_steps)


def _write_array(archive: zipfile.ZipFile, tape: Tape, name: str, *, phase: Phase, shape: Shape) -> None:
    dtype = np.dtype("|u1" if is_mask(name) or is_label(name) else "<f8")
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, header)  # type: ignore[no-untyped-call]
        for step in range(shape[0]):
            whole = np.zeros(shape[1:], dtype=dtype)
            array = tape.arrays(phase, first_step=step, num_steps=1)[name][0]
            whole[: len(array)] = array
            member.write(whole.tobytes())


def _load(path: Path, spec: GanSpec) -> dict[str, np.ndarray]:
    found = what_is(path)
    if found != "a file":
        raise TapeError(f"{path} {f'is {found}' if found else 'does not exist'}; expected an .npz file with a tape")
    try:
        with open_regular(path) as file:
            if not zipfile.is_zipfile(file):
                raise TapeError(f"{path} is not a whole .npz file (a zip archive of arrays); write or copy it again")
        return read_npz(path, require_wanted=lambda headers: _require_wanted(path, headers, spec))
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise TapeError(f"{path} cannot be read ({reason}); expected plain numeric arrays; write it again") from error


def _check_names(path: Path, spec: GanSpec, arrays: dict[str, np.ndarray]) -> None:
    pretraining_steps = spec.num_pretraining_steps
    known = [name for phase in _PHASES for name in array_shapes(spec, phase)]
    needed = [name for name in known if pretraining_steps > 0 or not _is_pretraining(name)]
    listed = f"expected {', '.join(needed)}"
    for name in arrays:
        if name not in known:
            raise TapeError(f"{path} has an array {name!r}, which {spec.name!r} does not use; {listed}; remove it")
    for name in needed:
        if name not in arrays:
            found = describe_arrays(arrays) or "no arrays"
            raise TapeError(f"{path} lacks {name!r}, which {spec.name!r} uses; {listed}; found {found}")


def _require_wanted(path: Path, headers: Mapping[str, np.ndarray], spec: GanSpec) -> None:
    """Raise TapeError unless arrays have the names, types and shapes of the GAN's tape, and fit into memory."""
    arrays = dict(headers)
    sizes = arrays.pop(_BATCH_SIZE, None)
    if sizes is not None:
        _check_header_of_sizes(path, sizes)
    epoch = arrays.pop(_EPOCH, None)
    if epoch is not None and (epoch.shape != () or not np.issubdtype(epoch.dtype, np.integer)):
        found = f"shape {epoch.shape} and dtype {epoch.dtype}"
        raise TapeError(f"{_EPOCH} of {path} has {found}; expected one integer, ()")
    _check_names(path, spec, arrays)
    for phase in _PHASES:
        for name, shape in array_shapes(spec, phase).items():
            if name in arrays:
                _check_header(path, name, arrays[name], spec=spec, shape=shape)
    wanted = sum(8 * array.size for array in arrays.values())
    # Of the largest also its numbers as they stand in the file, and where they are not finite or out of range.
    wanted += max((array.nbytes + 8 * array.size // 2 for array in arrays.values()), default=0)
    available = available_bytes()
    if wanted > available:
        raise TapeError(
            f"{path} holds a tape that takes {wanted:,} bytes of memory, and {available:,} are free; cut it to fewer "
            "steps"
        )


def _check_header(path: Path, name: str, array: np.ndarray, *, spec: GanSpec, shape: Shape) -> None:
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise TapeError(f"{name} of {path} has dtype {array.dtype}; expected floating-point or integer numbers")
    if array.ndim == 0 or array.shape[0] == 0 or array.shape[1:] != (spec.batch_size, *shape):
        expected = ", ".join(map(str, ("steps", spec.batch_size, *shape)))
        raise TapeError(
            f"{name} of {path} has shape {array.shape}; {spec.name!r} expects ({expected}), steps at least 1"
        )


def _finite_numbers(path: Path, name: str, array: np.ndarray) -> np.ndarray:
    """Return the array as native float64, masks and classes as bytes; raises TapeError where a number is not finite."""
    if is_mask(name):
        return _checked_bytes(path, name, array, most=1, expected="1 for what is kept, else 0")
    if is_label(name):
        most = DigitsReal.num_classes - 1
        return _checked_bytes(path, name, array, most=most, expected=f"classes, whole numbers from 0 to {most}")
    numbers = array.astype(np.float64, copy=False)
    if not np.isfinite(numbers).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(numbers))[0])
        raise TapeError(f"{name} of {path} has {numbers[place]} at index {place}; expected finite numbers")
    return numbers


def _checked_bytes(path: Path, name: str, array: np.ndarray, *, most: int, expected: str) -> np.ndarray:
    """Return whole numbers from 0 to `most` in bytes, an eighth of their size as float64."""
    bad = ~np.isin(array, np.arange(most + 1))
    if bad.any():
        place = tuple(int(index) for index in np.argwhere(bad)[0])
        raise TapeError(f"{name} of {path} has {array[place]:g} at index {place}; expected {expected}")
    return array.astype(np.uint8)


def _check_range(path: Path, name: str, array: np.ndarray, batch_sizes: np.ndarray, spec: GanSpec) -> None:
    """Raise TapeError where a number lies outside the range that the GAN says it is in; padding may."""
    bounds = _range_of(name, spec)
    if bounds is None:
        return
    low, high = bounds
    slack = _SLACK * (high - low)
    bad = (array < low - slack) | (array > high + slack)
    for row in np.flatnonzero(bad.reshape(len(array), -1).any(axis=1)):
        steps = row + len(array) * np.arange(len(batch_sizes))
        used = spec.batch_size if _is_pretraining(name) else int(batch_sizes[steps % len(batch_sizes)].max())
        places = np.argwhere(bad[row, :used])
        if len(places):
            place = (int(row), *(int(index) for index in places[0]))
            raise TapeError(
                f"{name} of {path} has {array[place]:g} at index {place}; {spec.name!r} has it from {low:g} to "
                f"{high:g}; bring it into that range, or give a --spec that says another"
            )


def _range_of(name: str, spec: GanSpec) -> tuple[float, float] | None:
    if name in ("mix", "perturbation"):
        return 0.0, 1.0
    if name == "real" and isinstance(spec.real, DigitsReal):
        return spec.real.low, spec.real.high
    if name == "pretrain_input" and spec.pretraining is not None:
        return spec.pretraining.data.low, spec.pretraining.data.high
    return None


def _steps_until_repeated(arrays: Mapping[str, np.ndarray], spec: GanSpec, phase: Phase) -> int | None:
    lengths = [len(arrays[name]) for name in array_shapes(spec, phase) if name in arrays and not repeats(spec, name)]
    real, source = arrays["real"], spec.real
    if phase == "adversarial" and isinstance(source, DigitsReal) and repeats(spec, "real"):
        # Less than an epoch is a part of it, and what follows is other digits.
        batches = 0 if source.num_images is None else batches_per_epoch(spec, source.num_images)
        epoch = batches * spec.training.steps_per_batch
        lengths += [len(real)] if len(real) < epoch else []
    return min(lengths, default=None)


def _check_header_of_sizes(path: Path, sizes: np.ndarray) -> None:
    if sizes.ndim != 1 or len(sizes) == 0 or not np.issubdtype(sizes.dtype, np.integer):
        found = f"shape {sizes.shape} and dtype {sizes.dtype}"
        raise TapeError(f"{_BATCH_SIZE} of {path} has {found}; expected (steps,) integers, steps at least 1")


def _checked_sizes(path: Path, sizes: np.ndarray, spec: GanSpec) -> np.ndarray:
    bad = (sizes < 1) | (sizes > spec.batch_size)
    if bad.any():
        step = int(np.argmax(bad))
        raise TapeError(f"{_BATCH_SIZE} of {path} is {sizes[step]} at step {step}; expected 1 to {spec.batch_size}")
    return sizes.astype(np.int64)


def _epoch_of(
    path: Path, spec: GanSpec, arrays: Mapping[str, np.ndarray], sizes: np.ndarray, given: np.ndarray | None
) -> int | None:
    """Return how many steps a pass over the real data takes, as the file says or as its short batches show."""
    if given is not None:
        if given < 1:
            raise TapeError(f"{_EPOCH} of {path} is {given}; expected 1 or more")
        return int(given)
    if not isinstance(spec.real, DigitsReal | LinearGaussianReal):
        return None
    short = np.flatnonzero(sizes < spec.batch_size)
    if len(short):
        return int(short[0]) + spec.training.steps_per_batch
    count = spec.real.num_images if isinstance(spec.real, DigitsReal) else spec.real.num_points
    if count is None:
        return len(arrays["real"])
    return batches_per_epoch(spec, count) * spec.training.steps_per_batch


def _is_pretraining(name: str) -> bool:
    return name.startswith(("pretrain", f"{MASK}.pretraining."))
