"""Assertions for tests of backends. Each raises and names the quantity; none returns a boolean to forget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from shared.compare.distances import relative_difference, tensor_difference
from shared.interface import ProbeKey


def assert_same_bits(actual: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray], /) -> None:
    """Raise unless both mappings have the same names, shapes, types and bits."""
    assert_same_names(list(actual), list(expected))
    for name, array in expected.items():
        other = actual[name]
        if other.dtype != array.dtype or other.shape != array.shape:
            raise AssertionError(f"{name} is {other.dtype}{other.shape}; expected {array.dtype}{array.shape}")
        if other.tobytes() != array.tobytes():
            raise AssertionError(f"{name} differs by {tensor_difference(other, array):.2e}; expected the same bits")


def assert_same_names(actual: Sequence[object], expected: Sequence[object], /) -> None:
    """Raise unless both sequences hold the same names in the same order."""
    if list(actual) == list(expected):
        return
    missing = [name for name in expected if name not in actual]
    extra = [name for name in actual if name not in expected]
    raise AssertionError(f"missing {missing[:5]}, extra {extra[:5]}, or in another order")


def assert_losses_close(
    actual: np.ndarray | None, expected: np.ndarray | None, /, *, within: np.ndarray | float, name: str
) -> None:
    """Raise unless two losses (steps,) differ relatively by at most `within`, a number or one a step."""
    if actual is None or expected is None:
        if actual is not expected:
            raise AssertionError(f"{name}: one of the two losses is not there")
        return
    if len(actual) != len(expected):
        raise AssertionError(f"{name}: {len(actual)} steps; expected {len(expected)}")
    difference = relative_difference(actual, expected)
    outside = np.flatnonzero(~(difference <= within))
    if len(outside):
        step = int(outside[0])
        allowed = float(np.broadcast_to(within, difference.shape)[step])
        raise AssertionError(
            f"{name} loss parts at step {step}: {actual[step]!r} for {expected[step]!r}, "
            f"{difference[step]:.2e} apart, rounding explains {allowed:.2e}"
        )


def assert_tensors_close(
    actual: Mapping[str, np.ndarray] | Mapping[ProbeKey, np.ndarray],
    expected: Mapping[str, np.ndarray] | Mapping[ProbeKey, np.ndarray],
    /,
    *,
    within: Mapping[str, float] | Mapping[ProbeKey, float],
    ignoring: Sequence[str] = (),
) -> None:
    """Raise unless each tensor's difference, relative to its scale, is at most what `within` has for its name.

    ignoring: canonical names of tensors that rounding noise alone decides.
    """
    assert_same_names(list(actual), list(expected))
    allowed: dict[object, float] = {name: amount for name, amount in within.items()}  # noqa: C416 - keys of two types
    for (name, array), other in zip(expected.items(), actual.values(), strict=True):
        canonical = name.name if isinstance(name, ProbeKey) else name
        if canonical in ignoring:
            continue
        if other.shape != array.shape:
            raise AssertionError(f"{name} has shape {other.shape}; expected {array.shape}")
        difference = tensor_difference(other, array)
        if not difference <= allowed[name]:
            raise AssertionError(f"{name} is {difference:.2e} apart; rounding explains {allowed[name]:.2e}")
