"""An order comes back from a worker's line or a file as it was, its GAN to the last digit."""

from __future__ import annotations

import json

import pytest

from gan_rosetta.shared.errors import SpecError, UsageError
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.gans.affordable import make_affordable
from gan_rosetta.shared.generate.session import draw_specs
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.spec.serialise import spec_digest
from tests.unit.runs.orders import changed, order_of

ENTRIES = {
    "python": "envs/bin/python",
    "dtype": "float32",
    "threads": 3,
    "seed": 7,
    "first_step": 2,
    "tape": "tape.npz",
    "keep_going": True,
    "chunk_steps": 5,
    "planned_steps": 9,
    "checkpoint_seconds": 0.1,
    "resume": True,
    "source": "mine.toml",
    "patience_seconds": 0.3,
}
GANS = {**CATALOGUE, **{f"small {name}": make_affordable(spec).spec for name, spec in CATALOGUE.items()}}


def came_back(order: Order) -> Order:
    return Order.from_data(json.loads(json.dumps(order.as_data())))


@pytest.mark.parametrize("name", GANS)
def test_it_comes_back_as_it_was(name):
    order = changed(order_of("linear-2d"), spec=GANS[name], **ENTRIES)
    assert came_back(order) == order
    assert spec_digest(came_back(order).spec) == spec_digest(order.spec)


def test_drawn_gans_come_back_as_they_were():
    for spec in draw_specs(60, seed=1):
        assert came_back(changed(order_of("linear-2d"), spec=spec)).spec == spec


def test_what_a_run_is_called_and_where_it_lies_changes_no_number():
    order = order_of("linear-2d", steps=3)
    other = {"name": "other", "python": "elsewhere", "folder": "there", "resume": True, "patience_seconds": 1.0}
    assert changed(order, **other).numbers == order.numbers
    for name, value in {"dtype": "float32", "threads": 2, "seed": 3, "num_moments": 1, "mnist": "there"}.items():
        assert changed(order, **{name: value}).numbers != order.numbers, name
    assert order_of("linear-2d", steps=4).numbers != order.numbers


@pytest.mark.parametrize("data", [None, [], {}, {"spec": {}}])
def test_what_is_no_order_is_refused(data):
    with pytest.raises(SpecError):
        Order.from_data(data)


@pytest.mark.parametrize("seed", [2**63, 2**64, 10**30])
def test_a_seed_that_no_file_could_hold_is_refused(seed):
    with pytest.raises(UsageError, match=f"--seed is {seed}; expected {2**63 - 1:,} at the most"):
        order_of("linear-2d", seed=seed)


def test_the_largest_seed_comes_back():
    order = order_of("linear-2d", seed=2**63 - 1)
    assert came_back(order) == order
