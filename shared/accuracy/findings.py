"""What was measured, said in rows: an operation's quantity on a backend, how far it errs, and what is not covered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.accuracy.defects import Defect, find_defect
from gan_rosetta.shared.accuracy.envelope import row_differences
from gan_rosetta.shared.accuracy.measure import Measure, Results, errors_in_ulp, labels
from gan_rosetta.shared.accuracy.operation import Operation
from gan_rosetta.shared.compare.tolerance import is_explained
from gan_rosetta.shared.interface import Dtype

# Where the reference errs by more, its formula loses digits, and the frameworks' with it.
SOUND_ULP = 10.0


@dataclass(frozen=True, kw_only=True)
class Uncovered:
    """A result that is further from the reference's than rounding explains. defect: the name of what is known of it."""

    label: str
    got: float
    reference: float
    truth: float
    apart: float
    allowed: float
    defect: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """An operation's quantity on a backend.

    labels, errors: of each result, what it was for, and its error in ulp. largest, at: the largest error and where.
    sound: the largest of those covered where the truth is no subnormal number and the reference errs by at most
    SOUND_ULP. median: of all.
    """

    operation: str
    quantity: str
    backend: str
    dtype: Dtype
    execution: str
    labels: tuple[float | str, ...]
    errors: NDArray[np.float64]
    sound: float
    uncovered: tuple[Uncovered, ...]

    @property
    def largest(self) -> float:
        """The largest error in ulp."""
        return float(self.errors.max())

    @property
    def median(self) -> float:
        """The median error in ulp."""
        return float(np.median(self.errors))

    @property
    def at(self) -> float | str:
        """What the largest error was for."""
        return self.labels[int(np.argmax(self.errors))]

    @property
    def unexplained(self) -> tuple[Uncovered, ...]:
        """What is not covered and no known defect either."""
        return tuple(each for each in self.uncovered if not each.defect)

    @property
    def defects(self) -> tuple[str, ...]:
        """The names of the known defects that it shows."""
        return tuple(dict.fromkeys(each.defect for each in self.uncovered if each.defect))

    def as_data(self) -> dict[str, Any]:
        """Return the row as plain data; numbers that are not finite become text."""
        return {
            "operation": self.operation,
            "quantity": self.quantity,
            "backend": self.backend,
            "dtype": self.dtype,
            "execution": self.execution,
            "largest_ulp": as_number(self.largest),
            "largest_ulp_where_the_reference_is_sound": as_number(self.sound),
            "median_ulp": as_number(self.median),
            "at": self.at,
            "covered": not self.uncovered,
            "uncovered": [
                {key: as_number(value) if isinstance(value, float) else value for key, value in asdict(each).items()}
                for each in self.uncovered
            ],
        }


def as_number(value: float, /) -> float | str:
    """Return a number as JSON has it, which has none that is not finite."""
    return value if math.isfinite(value) else str(value)


def judge_results(
    operation: Operation,
    results: Results,
    measure: Measure,
    /,
    *,
    backend: str,
    device: str = "cpu",
    dtype: Dtype,
    execution: str,
) -> list[Row]:
    """Return a row a quantity. device: that the backend was on."""
    rows = []
    place = (operation.name, backend, device, dtype)
    for name, stand in labels(operation, dtype).items():
        errors = errors_in_ulp(results[name], measure.truth[name], dtype=dtype)
        own = errors_in_ulp(measure.reference[name], measure.truth[name], dtype=dtype)
        row = Row(
            operation=operation.name,
            quantity=name,
            backend=backend,
            dtype=dtype,
            execution=execution,
            labels=stand,
            errors=errors,
            sound=0.0,
            uncovered=_uncovered(name, stand, place, results[name], measure),
        )
        outside = {each.label for each in row.uncovered}
        covered = np.array([_in_words(label) not in outside for label in stand])
        sound = covered & (own <= SOUND_ULP) & _is_normal(measure.truth[name], dtype)
        rows.append(replace(row, sound=float(np.max(errors[sound], initial=0.0))))
    return rows


def _is_normal(truth: np.ndarray, dtype: Dtype) -> NDArray[np.bool_]:
    """Return which rows' true results are 0 or at least the smallest normal number, (rows,)."""
    largest = np.max(np.abs(truth), axis=1)
    return (largest == 0) | (largest >= float(np.finfo(dtype).tiny))


def _in_words(label: float | str) -> str:
    return label if isinstance(label, str) else f"{label:.6g}"


def _uncovered(
    name: str, stand: Sequence[float | str], place: tuple[str, str, str, Dtype], results: np.ndarray, measure: Measure
) -> tuple[Uncovered, ...]:
    """Return what is not covered of a quantity's results. place: operation, backend, device and type."""
    operation, backend, device, dtype = place
    reference, truth = measure.reference[name], measure.truth[name]
    apart, allowed = row_differences(results, reference, scales=measure.scales[name]), measure.allowed[name]
    found = []
    pairs = zip(apart.tolist(), allowed.tolist(), strict=True)
    for index in (place for place, pair in enumerate(pairs) if not is_explained(*pair)):
        entry = _furthest(results[index], reference[index])
        defect: Defect | None = find_defect(
            backend=backend,
            device=device,
            dtype=dtype,
            operation=operation,
            label=stand[index],
            got=results[index],
            reference=reference[index],
        )
        found.append(
            Uncovered(
                label=_in_words(stand[index]),
                got=float(results[index, entry]),
                reference=float(reference[index, entry]),
                truth=float(truth[index, entry]),
                apart=float(apart[index]),
                allowed=float(allowed[index]),
                defect="" if defect is None else defect.name,
            )
        )
    return tuple(found)


def _furthest(got: np.ndarray, expected: np.ndarray) -> int:
    with np.errstate(all="ignore"):
        apart = np.abs(got.astype(np.float64) - expected)
    return int(np.argmax(np.where(np.isfinite(apart), apart, np.where(got == expected, 0, np.inf))))


def by_place(rows: Iterable[Row], /) -> Mapping[tuple[str, str, Dtype], list[Row]]:
    """Return the rows of each operation, quantity and type."""
    found: dict[tuple[str, str, Dtype], list[Row]] = {}
    for row in rows:
        found.setdefault((row.operation, row.quantity, row.dtype), []).append(row)
    return found
