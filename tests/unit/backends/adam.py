"""Adam by hand, in float64, for the tests of what frameworks' own do."""

from __future__ import annotations

import math

import numpy as np

from gan_rosetta.shared.spec import Adam

_GRADIENT = np.array([1e-3, -3e-7])


def adam_steps(adam: Adam, start: np.ndarray, /, *, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two weights after some updates of the "hat" form, and the gradient of each."""
    weight, m, v = start.copy(), np.zeros(2), np.zeros(2)
    for count in range(1, steps + 1):
        m = adam.beta1 * m + (1 - adam.beta1) * _GRADIENT
        v = adam.beta2 * v + (1 - adam.beta2) * _GRADIENT**2
        correction = math.sqrt(1 - adam.beta2**count) / (1 - adam.beta1**count)
        weight -= adam.learning_rate.at(count - 1) * correction * m / (np.sqrt(v) + adam.epsilon)
    return weight, _GRADIENT
