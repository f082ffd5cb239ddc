"""What the atlas says in sentences, each from its numbers."""

from __future__ import annotations

import numpy as np

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.accuracy.findings import Row, by_place
from gan_rosetta.shared.accuracy.session import Atlas
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.report.accuracy_table import in_words

_COMPARED: tuple[tuple[str, str, Dtype], ...] = (
    ("tanh", "value", "float32"),
    ("sigmoid", "value", "float32"),
    ("softplus", "value", "float32"),
    ("softplus", "derivative", "float64"),
)

_LEAST_GRADIENT = 1e-10


def findings(atlas: Atlas, /) -> list[str]:
    """Return the sentences."""
    return [*_elementary(atlas), *_lost(atlas), *_worst_sums(atlas), *_optimizers(atlas)]


def _elementary(atlas: Atlas) -> list[str]:
    """How the libraries' elementary functions compare."""
    parts = []
    places = by_place(atlas.rows)
    for operation, quantity, dtype in _COMPARED:
        rows = places.get((operation, quantity, dtype), [])
        if len({row.backend for row in rows}) < 2:
            continue
        best, worst = min(rows, key=lambda row: row.sound), max(rows, key=lambda row: row.sound)
        parts.append(
            f"{operation}'s {quantity} in {dtype} from {in_words(best.sound, dtype)} ulp ({_name(best)}) "
            f"to {in_words(worst.sound, dtype)} ({_name(worst)})"
        )
    return [f"**Elementary functions differ by a few last places**: {'; '.join(parts)}."] if parts else []


def _lost(atlas: Atlas) -> list[str]:
    """Where every framework's formula has no digit left, by operation: the vocabulary's own weak places."""
    lost: list[str] = []
    for (operation, _, dtype), rows in by_place(atlas.rows).items():
        if all(row.largest >= 2.0 ** (np.finfo(dtype).nmant - 1) for row in rows):
            lost.append(operation)
    if not lost:
        return []
    text = ", ".join(dict.fromkeys(lost))
    return [f"**Every framework has an input for which no digit is right**, since the formula cancels there: {text}."]


def _worst_sums(atlas: Atlas) -> list[str]:
    """Sums of a thousand equal terms, which have no excuse but the order of additions."""
    place = [row for row in atlas.rows if (row.operation, row.quantity) == ("sum-over-batch", "gradient")]
    found: dict[str, float] = {}
    for row in place:
        if row.dtype == "float32":
            error = float(row.errors[row.labels.index("1000 equal")])
            found[row.backend] = max(error, found.get(row.backend, 0.0))
    if len(found) < 2:
        return []
    text = ", ".join(
        f"{name} {in_words(error, 'float32')}" for name, error in sorted(found.items(), key=lambda x: x[1])
    )
    return [f"**A gradient summed over 1000 equal samples** errs, in ulp of float32, by: {text}."]


def _optimizers(atlas: Atlas) -> list[str]:
    """How far the optimizers' first steps are off for gradients of any size that trainings have."""
    worst, where = 0.0, ""
    for row in atlas.rows:
        if row.quantity != "parameter" or row.backend == REFERENCE:
            continue
        near = [not isinstance(g, str) and _LEAST_GRADIENT < g < 1 / _LEAST_GRADIENT for g in row.labels]
        error = float(np.max(row.errors[near], initial=0.0))
        if error > worst:
            worst, where = error, f"{row.operation} on {_name(row)} in {row.dtype}"
    if not where:
        return []
    return [
        f"**Optimizers' first steps**, for gradients from {_LEAST_GRADIENT:g} to {1 / _LEAST_GRADIENT:g}, err by "
        f"{worst:.1f} ulp at most: {where}."
    ]


def _name(row: Row) -> str:
    return row.backend if row.execution == "eager" else f"{row.backend} compiled"
