"""Which steps a diagnosis looks into."""

from __future__ import annotations

import pytest

from gan_rosetta.shared.diagnose.visits import Visit, plan_visits
from gan_rosetta.shared.gans import CATALOGUE, find_gan


def steps(visits: tuple[Visit, ...], phase: str = "adversarial") -> list[int]:
    return [visit.step for visit in visits if visit.phase == phase and not visit.saturated]


@pytest.mark.parametrize("gan", CATALOGUE)
@pytest.mark.parametrize("forced", [True, False])
def test_visits_are_in_order_of_training_and_within_it(gan, forced):
    spec = find_gan(gan)
    visits = plan_visits(spec, num_steps=None, forced=forced)
    assert steps(visits)[:3] == [0, 1, 2]
    for phase in ("pretraining", "adversarial"):
        found = steps(visits, phase)
        assert found == sorted(set(found))
    order = [visit.phase for visit in visits]
    assert order == sorted(order, reverse=True)
    assert max(steps(visits)) < spec.training.num_steps
    assert bool(steps(visits, "pretraining")) == (spec.pretraining is not None)
    saturated = [visit for visit in visits if visit.saturated]
    probability = spec.training.discriminator_loss.score == "probability"
    assert len(saturated) == (1 if forced and probability else 0)
    assert saturated == [visit for visit in visits[-1:] if visit.saturated]


def test_cheap_gans_are_looked_into_later_too_and_costly_ones_are_not():
    assert steps(plan_visits(find_gan("linear-2d"), num_steps=None, forced=False)) == [0, 1, 2, 10, 100, 150, 1000]
    assert steps(plan_visits(find_gan("gaussian-1d"), num_steps=None, forced=False), "pretraining") == [0, 1, 2, 150]
    # Step 5 is the second in which its D trains.
    assert steps(plan_visits(find_gan("mnist-conv"), num_steps=None, forced=False)) == [0, 1, 2, 5]


def test_a_number_of_steps_is_of_each_phase():
    visits = plan_visits(find_gan("gaussian-1d"), num_steps=4, forced=False)
    assert steps(visits) == steps(visits, "pretraining") == [0, 1, 2, 3]
    short = find_gan("gaussian-1d").with_steps(pretraining=1, training=2)
    visits = plan_visits(short, num_steps=4, forced=False)
    assert (steps(visits, "pretraining"), steps(visits)) == ([0], [0, 1])
    assert steps(plan_visits(short, num_steps=None, forced=False)) == [0, 1]


def test_labels():
    assert Visit(phase="pretraining", step=3).label == "pretraining step 3"
    assert Visit(phase="adversarial", step=3).label == "step 3"
    assert Visit(phase="adversarial", step=0, saturated=True).label == "step 0, D saturated"
