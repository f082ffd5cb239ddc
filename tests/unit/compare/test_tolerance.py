from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf

from gan_rosetta.shared.compare.tolerance import FALSE_ALARM_RATE, margin


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 8, 24])
def test_a_margin_gives_the_rate_of_false_alarms_that_is_told(count):
    """By adaptive quadrature, which knows no nodes; a margin that is off by one part in 10⁹ would show."""

    def alarms(m: float) -> float:
        density = math.sqrt(2 / math.pi)
        return quad(lambda z: density * math.exp(-z * z / 2) * erf(z / m) ** count, 0, np.inf, epsabs=1e-15)[0]

    found = margin(count)
    assert alarms(found * (1 + 1e-9)) < FALSE_ALARM_RATE < alarms(found * (1 - 1e-9))


def test_it_brings_nothing_that_takes_long_to_import():
    program = (
        "import sys; from gan_rosetta.shared.compare.tolerance import margin; margin(8); print('\\n'.join(sys.modules))"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "gan_rosetta.shared.compare.tolerance" in finished.stdout.split()
    assert not {"scipy.integrate", "scipy.optimize", "scipy.stats"} & set(finished.stdout.split())
