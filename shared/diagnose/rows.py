"""One compared quantity, and how rows are judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.tolerance import WHOLE, Tolerance, is_explained


@dataclass(frozen=True, kw_only=True)
class Row:
    """A quantity of one step in a backend beside the reference's.

    phase: as in ProbeKey, or "start" for the state before the first step, or "train" for the losses of the step and
    the state after it as `train` takes it. difference: relative to the tensor's scale, or, of a loss, to what it is
    made of where that is larger. noise: what rounding alone does to it; allowed: what it explains of a difference.
    got, expected: the entry that differs most, and index its place; None where there is nothing to show.
    """

    visit: str
    phase: str
    quantity: str
    stream: str
    name: str
    difference: float
    noise: float
    allowed: float
    got: float | None
    expected: float | None
    index: tuple[int, ...]

    @property
    def in_noise(self) -> float:
        """The difference in units of the noise floor."""
        return self.difference / self.noise if self.noise else (0.0 if self.difference == 0 else math.inf)

    @property
    def is_off(self) -> bool:
        """Whether this is different mathematics and not rounding."""
        return not is_explained(self.difference, self.allowed)

    @property
    def is_comparable(self) -> bool:
        """Whether anything can be said: not where rounding explains any difference."""
        return self.allowed < WHOLE

    @property
    def is_lost_in_both(self) -> bool:
        """Whether it is a loss that a player is updated by, and NaN in both; `train` has NaN where none was."""
        is_updated_by = self.quantity == "loss" and self.phase != "train"
        return is_updated_by and all(each is not None and math.isnan(each) for each in (self.got, self.expected))

    def as_data(self) -> dict[str, Any]:
        """Return the row as plain data; infinities as text."""
        data = asdict(self) | {"in_noise": self.in_noise, "verdict": self.verdict, "index": list(self.index)}
        return {key: _plain(value) for key, value in data.items()}

    @property
    def place(self) -> str:
        """Where in training the quantity is, in words."""
        stream = f" on {self.stream}" if self.stream else ""
        what = self.quantity if self.name == self.quantity else f"{self.quantity} of {self.name}"
        return f"{self.visit}, {self.phase} phase, {what}{stream}"

    @property
    def amount(self) -> str:
        """How far it is off, in words: the entry that differs most, and in noise floors."""
        if self.quantity == "order":
            return "the step runs in another order"
        if self.got is None:
            return "it is not computed, or has another shape"
        index = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        floors = "" if math.isinf(self.in_noise) else f", {self.in_noise:.1e} noise floors"
        return f"{self.got:.9g} for {self.expected:.9g} at {index or 'its only entry'}{floors}"

    @property
    def verdict(self) -> str:
        """What to say of the row."""
        if not self.is_comparable and not self.is_off:
            return "not comparable"
        return "different mathematics" if self.is_off else "rounding"


def compare_quantity(
    got: np.ndarray | None,
    expected: np.ndarray,
    /,
    *,
    noise: float,
    tolerance: Tolerance,
    exact: bool,
    scale: float = 0.0,
    **names: Any,
) -> Row:
    """Return the row of one quantity; got None where the backend did not compute it.

    exact: any difference is off. scale: how large the numbers are that a loss is made of.
    """
    amount = 0.0 if exact else tolerance.noise_floor(noise)
    allowed = 0.0 if exact else tolerance.allowed(noise)
    row = partial(Row, noise=amount, allowed=allowed, **names)
    if got is None or got.shape != expected.shape:
        return row(difference=math.inf, got=None, expected=None, index=())
    difference = tensor_difference(got, expected, scale=scale)
    ours, theirs = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(ours - theirs)
    # The difference of unequal entries that are not finite may be NaN; such an entry is the one to show.
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    apart = np.where(same, 0.0, np.nan_to_num(apart, nan=np.inf, posinf=np.inf))
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(apart)), apart.shape)) if apart.size else ()
    return row(
        difference=difference,
        got=float(got[index]) if apart.size else None,
        expected=float(expected[index]) if apart.size else None,
        index=index,
    )


def told_rows(rows: Iterable[Row], /) -> Iterator[Row]:
    """Yield the rows, in order of execution, by which something can be said: of a step none after a loss NaN in both.

    What a framework gives for the derivative of NaN, 0, NaN or what it was given, is no mathematics of the GAN.
    """
    lost: set[str] = set()
    for row in rows:
        if row.visit not in lost:
            yield row
        if row.is_lost_in_both:
            lost.add(row.visit)


def first_offender(rows: Iterable[Row], /) -> Row | None:
    """Return the first of told_rows that is off, or None."""
    return next((row for row in told_rows(rows) if row.is_off), None)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
