"""A yardstick as plain data: JSON has no NaN, and a player that rests has no loss."""

from __future__ import annotations

import json

import numpy as np

from gan_rosetta.shared.compare.tolerance import Tolerance
from gan_rosetta.shared.compare.yardstick import Yardstick


def test_what_is_not_finite_goes_through_json() -> None:
    resting = {"pretraining": np.zeros(0), "discriminator": np.array([0.5, np.nan]), "generator": np.array([0.5, 0.4])}
    noise = {"pretraining": np.zeros(0), "discriminator": np.array([1e-16, np.inf]), "generator": np.array([0, 1e-15])}
    tolerance = Tolerance(num_copies=4, dtype="float64")
    yardstick = Yardstick(tolerance=tolerance, tensors={}, noise=noise, scales=noise, losses=resting)
    found = Yardstick.from_data(json.loads(json.dumps(yardstick.as_data(), allow_nan=False)))
    for name, losses in resting.items():
        np.testing.assert_array_equal(found.losses[name], losses)
        np.testing.assert_array_equal(found.noise[name], noise[name])
