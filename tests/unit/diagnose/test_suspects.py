"""Suspects: every fault in every place, where it is expected, and what it advises there."""

from __future__ import annotations

import pytest

from gan_rosetta.shared.diagnose.suspects import find_suspects
from gan_rosetta.shared.faults import FAULTS
from gan_rosetta.shared.faults.defaults import DEFAULTS
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP, find_gan
from gan_rosetta.shared.interface import ProbeKey

GANS = CATALOGUE | MADE_UP


@pytest.mark.parametrize("gan", GANS)
def test_every_fault_stands_in_each_of_its_places(gan):
    spec = GANS[gan]
    single = {(s.name, s.places) for s in find_suspects(spec) if len(s.places) == 1}
    for name, fault in FAULTS.items():
        for plant in fault.plants(spec):
            # Initial values are told by their spread, and not planted.
            assert ((name, (plant.place,)) in single) == (plant.start is None), (name, plant.place)


@pytest.mark.parametrize("gan", GANS)
def test_each_can_be_planted_and_says_what_to_change(gan):
    spec = GANS[gan]
    for suspect in find_suspects(spec):
        value = None if suspect.number is None else suspect.number.planted
        plants = suspect.plants(spec, value)
        assert len(plants) == max(1, len(suspect.places))
        said = suspect.say(spec, value)
        assert said.endswith(".")
        assert "{" not in said
        for expected in suspect.expected:
            name = expected.names[0] if expected.names else ""
            assert suspect.is_expected(ProbeKey(expected.phase, expected.quantities[0], "", name))
        assert not suspect.is_expected(ProbeKey("nowhere", "output", "", ""))


def test_several_places_at_once():
    suspects = find_suspects(find_gan("mnist-conv"))
    where = {s.where for s in suspects if s.name == "batch-norm-epsilon" and len(s.places) > 1}
    assert where == {"every BatchNorm", "every BatchNorm of the discriminator", "every BatchNorm of the generator"}
    pairs = {s.where for s in find_suspects(find_gan("gaussian-1d")) if s.name == "learning-rate-doubled"}
    assert "every optimizer" in pairs
    assert "the discriminator's gradient descent and the generator's gradient descent" in pairs


def test_what_is_left_out_and_what_a_gan_has_already():
    spec = find_gan("sine")
    names = {suspect.name for suspect in find_suspects(spec, without=["adam-beta1", "tensorflow:adam-epsilon"])}
    assert names.isdisjoint({"adam-beta1", "tensorflow:adam-epsilon"})
    assert "tensorflow:adam-epsilon-placement" in names
    # What sine has is torch's own.
    assert DEFAULTS["torch:adam-epsilon"].apply(spec) == spec
    assert "torch:adam-epsilon" not in names
