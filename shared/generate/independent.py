"""Choices for Hypothesis that depend on a seed alone, each example drawn for itself.

Hypothesis' own make examples from earlier ones, and try numbers that they find in the modules loaded so far: some
parts of the vocabulary would be left out of hundreds of GANs, and the same seed would draw others in another process.

Source: hypothesis.internal.conjecture.providers.PrimitiveProvider, the interface for alternative backends.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NoReturn

import numpy as np
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, PrimitiveProvider

NAME = "gan-rosetta-independent"


class IndependentChoices(PrimitiveProvider):
    """Uniform choices of a NumPy generator; the seed is set by `seed` before the examples are drawn."""

    lifetime: ClassVar[Literal["test_case", "test_function"]] = "test_function"
    _generator: ClassVar[np.random.Generator] = np.random.default_rng(0)

    @classmethod
    def seed(cls, seed: int, /) -> None:
        """Begin anew from a seed."""
        cls._generator = np.random.default_rng(seed)

    def draw_boolean(self, p: float = 0.5) -> bool:
        """Return True with probability p."""
        return bool(self._generator.random() < p)

    def draw_integer(self, min_value: int | None = None, max_value: int | None = None, **_: Any) -> int:
        """Return an integer from min_value to max_value, all as likely; both must be given."""
        if min_value is None or max_value is None:
            _refuse("an integer without bounds")
        return int(self._generator.integers(min_value, max_value, endpoint=True))

    def draw_float(self, **_: Any) -> float:
        """Raise NotImplementedError: GANs are drawn from integers, so that their numbers are short in a file."""
        _refuse("a float")

    def draw_string(self, *_: Any, **__: Any) -> str:
        """Raise NotImplementedError: no text of a GAN is drawn."""
        _refuse("a string")

    def draw_bytes(self, *_: Any, **__: Any) -> bytes:
        """Raise NotImplementedError: no bytes of a GAN are drawn."""
        _refuse("bytes")


def _refuse(what: str) -> NoReturn:
    raise NotImplementedError(f"a strategy of GANs draws {what}; expected booleans and integers with two bounds alone")


AVAILABLE_PROVIDERS[NAME] = IndependentChoices
