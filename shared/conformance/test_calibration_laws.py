"""The judge finds no fault between copies of the reference that round at random, where training goes well or badly."""

from __future__ import annotations

import pytest

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.calibrate.counting import count_pairs
from gan_rosetta.shared.calibrate.plan import CalibrationPlan
from gan_rosetta.shared.calibrate.regimes import find_regimes
from gan_rosetta.shared.calibrate.session import calibrate
from gan_rosetta.shared.workers.watching import calling


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_small_calibration_has_no_false_alarm(dtype):
    plan = CalibrationPlan(
        regimes=tuple(find_regimes(["d-wins-bce", "saturated-bce"])),
        seeds=(0, 1),
        dtypes=(dtype,),
        executions=("eager",),
        backends=(REFERENCE,),
        num_held_out=4,
    )
    result = calibrate(plan, watch=calling(None))
    assert not result.failures
    count = count_pairs(result.pairs)
    assert count.alarms.total == 2 * 2 * 10
    assert count.alarms.count == 0, [pair.reason for pair in result.pairs if pair.verdict == "DISAGREE"]
    assert count.silences.count == 0
    assert result.is_good
