"""The arithmetic of the smallest change that is seen, on yardsticks made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gan_rosetta.shared.calibrate.response import Response, largest_share, linearity, smallest_seen
from gan_rosetta.shared.compare.tolerance import margin
from tests.unit.compare.yardsticks import NUM_COPIES, yardstick_of

_STEPS = 5
_NOISE = 1e-14
_ALLOWED = margin(NUM_COPIES) * _NOISE


def _yardstick(*, noise=(_NOISE,) * _STEPS, tensors=None):
    return yardstick_of({"discriminator": list(noise), "generator": list(noise)}, tensors=tensors)


def _response(*, discriminator=(0.0,) * _STEPS, generator=(0.0,) * _STEPS, tensors=None, size=1e-6):
    losses = {"discriminator": np.array(discriminator), "generator": np.array(generator)}
    return Response(size=size, losses=losses, tensors=tensors or {})


def test_the_smallest_is_what_is_allowed_over_the_response_and_never_grows():
    sight = smallest_seen(_response(generator=(0.0, 1.0, 4.0, 4.0, 8.0)), _yardstick(), num_steps=_STEPS)
    assert sight.smallest[:2].tolist() == [math.inf, math.inf]
    assert sight.smallest[2:] == pytest.approx(_ALLOWED / np.array([1.0, 4.0, 4.0, 8.0]))
    assert sight.where == "generator's loss"


def test_a_tensor_counts_from_its_moment_on():
    yardstick = _yardstick(tensors={"step 1": {"w": _NOISE}, "end": {"w": _NOISE}})
    response = _response(tensors={"step 1": {"w": 2.0}, "end": {"w": 10.0}})
    sight = smallest_seen(response, yardstick, num_steps=_STEPS)
    assert sight.smallest[0] == math.inf
    assert sight.smallest[1:5] == pytest.approx(_ALLOWED / 2.0)
    assert sight.smallest[5] == pytest.approx(_ALLOWED / 10.0)
    assert sight.where == "w"


def test_what_rounding_explains_whatever_it_is_shows_nothing():
    yardstick = _yardstick(tensors={"step 1": {"w": 1.0}})
    sight = smallest_seen(_response(tensors={"step 1": {"w": 100.0}}), yardstick, num_steps=_STEPS)
    assert np.isinf(sight.smallest).all()
    assert sight.where == "nothing"


def test_past_the_horizon_nothing_more_is_seen():
    yardstick = _yardstick(noise=(_NOISE, _NOISE, 1.0, 1.0, 1.0), tensors={"end": {"w": _NOISE}})
    assert yardstick.horizon == 2
    response = _response(generator=(1.0, 1.0, 1e9, 1e9, 1e9), tensors={"end": {"w": 1e9}})
    sight = smallest_seen(response, yardstick, num_steps=_STEPS)
    assert sight.smallest[1:] == pytest.approx(_ALLOWED)


def test_the_measured_change_is_held_to_the_smallest():
    response = _response(generator=(2.0,) * _STEPS, size=1e-6)
    assert largest_share(response, _yardstick(), num_steps=_STEPS) == pytest.approx(1e-6 * 2.0 / _ALLOWED)
    assert largest_share(_response(), _yardstick(), num_steps=_STEPS) == 0.0


def test_a_response_that_grows_with_the_size_is_not_linear():
    response, further = _response(generator=(2.0,) * _STEPS), _response(generator=(1.0,) * _STEPS)
    assert linearity(response, response, _yardstick(), num_steps=_STEPS) == pytest.approx(1.0)
    assert linearity(response, further, _yardstick(), num_steps=_STEPS) == pytest.approx(2.0)
