"""Where float32 cannot be judged, float64 is, and float32 must still lie within its noise."""

from __future__ import annotations

import pytest

from gan_rosetta.benchmarks.judging import Judge
from tests.unit.benchmarks.synthetic import CELL
from tests.unit.compare.yardsticks import yardstick_of

LOSSES = {"discriminator": [1.0, 2.0], "generator": [0.5, 0.7]}


def _scaled(losses, factor):
    return {**losses, "generator": [losses["generator"][0], factor * losses["generator"][1]]}


class _Scene:
    """A reference whose float32 is chaotic at once, and a backend with the losses that a test wants."""

    def __init__(self, *, noise, double):
        self.asked = []
        self._noise, self._double = noise, double

    def ask_reference(self, cell, request):
        self.asked.append((cell.dtype, request["action"]))
        noise = self._noise if cell.dtype == "float32" else 1e-14
        yardstick = yardstick_of({name: [noise, noise] for name in LOSSES}, losses=LOSSES, dtype=cell.dtype)
        return {"tape_digests": {"2": "1"}, "losses": LOSSES, "yardstick": yardstick.as_data()}

    def ask(self, cell, request):
        assert request["cell"]["dtype"] == "float64"
        self.asked.append((cell.dtype, request["action"]))
        return {"tape_digest": "1", "losses": self._double}

    def judge(self, single):
        judge = Judge(self.ask_reference)
        first = {"tape_digest": "1", "losses": single}
        parity = judge.judge(CELL, first, {}, self.ask)
        asked = [entry for entry in self.asked if entry[1] == "reference"]
        judge.judge(CELL, first, {}, self.ask)
        assert [entry for entry in self.asked if entry[1] == "reference"] == asked, "the reference ran twice"
        return parity


def test_what_float32_can_judge_is_judged_in_float32():
    scene = _Scene(noise=1e-6, double=LOSSES)
    parity = scene.judge(_scaled(LOSSES, 1 + 1e-6))
    assert (parity.verdict, parity.dtype, parity.judged_steps) == ("AGREE", "float32", 2)
    assert scene.asked == [("float32", "reference")]
    assert _Scene(noise=1e-6, double=LOSSES).judge(_scaled(LOSSES, 1.001)).verdict == "DISAGREE"


def test_where_float32_is_chaotic_at_once_float64_is_judged():
    parity = _Scene(noise=5e-2, double=LOSSES).judge(_scaled(LOSSES, 1.05))
    assert (parity.verdict, parity.dtype, parity.judged_steps) == ("AGREE", "float64", 2)
    assert "in float32 rounding alone" in parity.reason


@pytest.mark.parametrize(
    ("single", "double", "where"),
    [
        (LOSSES, _scaled(LOSSES, 1 + 1e-9), "generator's loss at step 1"),
        (_scaled(LOSSES, 2.0), LOSSES, "generator's loss at step 1"),
        (_scaled(LOSSES, float("nan")), LOSSES, "generator's loss at step 1"),
    ],
)
def test_wrong_losses_in_either_type_are_seen(single, double, where):
    parity = _Scene(noise=5e-2, double=double).judge(single)
    assert parity.verdict == "DISAGREE"
    assert where in parity.reason
