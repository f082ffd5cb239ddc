"""Assertions for tests of backends. Each raises and names the quantity; none returns a boolean to forget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.yardstick import Yardstick
from gan_rosetta.shared.interface import ProbeKey


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
    actual: np.ndarray | None, expected: np.ndarray | None, /, *, yardstick: Yardstick, name: str
) -> None:
    """Raise unless two losses (steps,) of one name are no further apart, at any step, than rounding explains."""
    if actual is None or expected is None:
        if actual is not expected:
            raise AssertionError(f"{name}: one of the two losses is not there")
        return
    if len(actual) != len(expected):
        raise AssertionError(f"{name}: {len(actual)} steps; expected {len(expected)}")
    difference = yardstick.loss_differences(name, actual, expected)
    allowed = yardstick.allowed_losses(name)
    if len(allowed) < len(difference):
        raise AssertionError(f"{name}: rounding was followed for {len(allowed)} steps; expected {len(difference)}")
    outside = np.flatnonzero(~(difference <= allowed[: len(difference)]))
    if len(outside):
        step = int(outside[0])
        raise AssertionError(
            f"{name} loss parts at step {step}: {actual[step]!r} for {expected[step]!r}, "
            f"{difference[step]:.2e} apart, rounding explains {allowed[step]:.2e}"
        )


def assert_tensors_close(
    actual: Mapping[str, np.ndarray] | Mapping[ProbeKey, np.ndarray],
    expected: Mapping[str, np.ndarray] | Mapping[ProbeKey, np.ndarray],
    /,
    *,
    within: Mapping[str, float] | Mapping[ProbeKey, float],
    scales: Mapping[ProbeKey, float] | None = None,
) -> None:
    """Raise unless each tensor's difference, relative to its scale, is at most what `within` has for its name.

    scales: of losses, how large the numbers are that they are made of.
    """
    assert_same_names(list(actual), list(expected))
    allowed: dict[object, float] = {name: amount for name, amount in within.items()}  # noqa: C416 - keys of two types
    for (name, array), other in zip(expected.items(), actual.values(), strict=True):
        if other.shape != array.shape:
            raise AssertionError(f"{name} has shape {other.shape}; expected {array.shape}")
        scale = (scales or {}).get(name, 0.0) if isinstance(name, ProbeKey) else 0.0
        difference = tensor_difference(other, array, scale=scale)
        if not difference <= allowed[name]:
            raise AssertionError(f"{name} is {difference:.2e} apart; rounding explains {allowed[name]:.2e}")
