"""The catalogue of mistakes: each can be planted, changes something, and says where it must be found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.faults import (
    FAULTS,
    Plant,
    attention_faults,
    augment_faults,
    average_faults,
    batch_norm_faults,
    branch_faults,
    class_faults,
    clipping_faults,
    code_faults,
    convolution_faults,
    data_faults,
    decay_faults,
    distance_faults,
    dropout_faults,
    find_fault,
    flatten_faults,
    group_norm_faults,
    layer_faults,
    loss_faults,
    loss_form_faults,
    momentum_faults,
    optimizer_faults,
    penalty_faults,
    recall_faults,
    resampling_faults,
    rmsprop_faults,
    spectral_faults,
    step_faults,
)
from gan_rosetta.shared.faults.fault import Number, another
from gan_rosetta.shared.faults.places import replace_training
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP, find_gan
from gan_rosetta.shared.spec import Branch, Branches, Dropout, GanSpec, Recall
from gan_rosetta.shared.state import initial_state, state_schema

PHASES = {"start", "pretraining", "discriminator", "generator", "joint"}
QUANTITIES = {"output", "loss", "gradient", "parameter", "slot", "buffer", "average", "balance", "order"}
LOSSES = {"loss", "penalty"}
GANS = CATALOGUE | MADE_UP


def plants(name: str) -> list[tuple[GanSpec, Plant]]:
    planted = ((spec, FAULTS[name].plant(spec)) for spec in GANS.values())
    return [(spec, plant) for spec, plant in planted if plant is not None]


def test_names_are_unique_and_many():
    families = (
        optimizer_faults,
        rmsprop_faults,
        momentum_faults,
        decay_faults,
        average_faults,
        clipping_faults,
        layer_faults,
        batch_norm_faults,
        convolution_faults,
        resampling_faults,
        flatten_faults,
        group_norm_faults,
        loss_faults,
        penalty_faults,
        loss_form_faults,
        distance_faults,
        step_faults,
        data_faults,
        dropout_faults,
        class_faults,
        code_faults,
        branch_faults,
        recall_faults,
        attention_faults,
        augment_faults,
        spectral_faults,
    )
    names = [fault.name for family in families for fault in family.FAULTS]
    assert len(names) == len(set(names)) == len(FAULTS)
    assert len(names) >= 20
    summaries = [fault.summary for fault in FAULTS.values()]
    assert len(summaries) == len(set(summaries))
    assert all(find_fault(name).name == name for name in names)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="unknown fault 'leaky-relu': did you mean 'leaky-relu-slope'"):
        find_fault("leaky-relu")


@pytest.mark.parametrize("name", FAULTS)
def test_its_remedy_says_what_to_change_in_each_place(name):
    fault = FAULTS[name]
    for spec in GANS.values():
        places = fault.plants(spec)
        assert len({plant.place for plant in places}) == len(places)
        assert (
            fault.together
            or len(places) < 2
            or fault.name.startswith(("activation-", "glorot-"))
            or fault.name in ("batch-norm-initialisation", "scale-initialisation", "prelu-initialisation")
        )
        for plant in places:
            number = plant.number
            if number is not None:
                assert number.with_value(number.expected) == spec or fault.name == "decay-added"
                assert number.with_value(number.planted) == plant.spec
            said = fault.say(place=plant.place, found=plant.found or "F", expected=plant.expected_value or "E")
            assert said.endswith(".")
            assert said[0] == said[0].upper() or not said[0].isascii()
            assert "{" not in said
            assert ("{found}" not in fault.remedy) or plant.found or number is not None
            assert ("{place}" not in fault.remedy) or plant.place


@pytest.mark.parametrize("name", FAULTS)
def test_it_touches_some_gan_and_changes_something_there(name):
    touched = plants(name)
    assert touched
    for spec, plant in touched:
        changes = [
            plant.spec != spec,
            plant.load is not None and _moves(plant, spec),
            plant.start is not None and _starts_elsewhere(plant, spec),
            plant.chunk is not None,
        ]
        assert any(changes)
        # The faulty backend holds the same state, by name and shape.
        ours = {tensor.name: tensor.shape for tensor in state_schema(spec).values()}
        assert {tensor.name: tensor.shape for tensor in state_schema(plant.spec).values()} == ours


@pytest.mark.parametrize("how", ["shared", "separate"])
def test_masks_of_both_updates_are_the_same_only_where_they_should_not_be(how):
    spec = MADE_UP["logistic-2d"]
    first, *others = spec.discriminator.layers
    layers = (first, Dropout(name="drop", probability=0.5, unit="entry"), *others)
    spec = replace(
        spec,
        discriminator=replace(spec.discriminator, layers=layers),
        training=replace(spec.training, dropout_masks=how),
    )
    plant = FAULTS["dropout-masks-of-updates"].plant(spec)
    assert plant is not None
    assert plant.chunk is not None
    tape = SeededTape(spec, seed=1, digits=DigitSource.parse(None))
    right = make_chunk(tape, spec, "adversarial", first_step=0, num_steps=2)
    wrong = plant.chunk(right)
    changed = [name for name, array in right.arrays.items() if not np.array_equal(array, wrong.arrays[name])]
    assert changed == ["mask.generator.fake.discriminator.drop"]
    same = np.array_equal(wrong.arrays[changed[0]], wrong.arrays["mask.discriminator.fake.discriminator.drop"])
    assert same == (how == "separate")


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_loaded_in_another_form_is_reported_as_it_was(name):
    for spec, plant in plants(name):
        if plant.load is None:
            assert plant.unload is None
            continue
        assert plant.tensor is not None
        assert plant.unload is not None
        tensor = initial_state(spec, seed=1)[plant.tensor]
        held = plant.load(tensor)
        assert held.shape == tensor.shape
        np.testing.assert_array_equal(plant.unload(held), tensor)


@pytest.mark.parametrize("name", FAULTS)
def test_where_it_is_expected_exists(name):
    for spec, plant in plants(name):
        expected = plant.expected
        assert expected.phase in PHASES
        assert set(expected.quantities) <= QUANTITIES
        if expected.phase == "pretraining":
            assert spec.pretraining is not None
        layers = {f"{name}.{placed.name}" for name, network in spec.networks().items() for placed in network.placed}
        known = layers | set(state_schema(spec)) | LOSSES
        assert set(expected.names) <= known
        if "output" in expected.quantities:
            assert set(expected.names) <= (known if "buffer" in expected.quantities else layers)


@pytest.mark.parametrize("name", ["latent-redrawn", "discriminator-every-step"])
def test_what_is_fed_is_changed(name):
    spec, plant = plants(name)[0]
    assert plant.chunk is not None
    tape = SeededTape(spec, seed=1, digits=DigitSource.parse(None))
    step = next(step for step in range(1, 20) if name == "latent-redrawn" or not _trains(spec, step))
    chunk = make_chunk(tape, spec, "adversarial", first_step=step, num_steps=1)
    fed = plant.chunk(chunk)
    if name == "discriminator-every-step":
        assert not chunk.trains_discriminator.any()
        assert fed.trains_discriminator.all()
    else:
        assert set(fed.arrays) == {*chunk.arrays, "latent_g"}
        assert np.abs(fed.arrays["latent_d"] - fed.arrays["latent_g"]).min() > 0
        original = chunk.arrays["latent_d"]
        assert any(np.array_equal(fed.arrays[key], original) for key in ("latent_d", "latent_g"))


def _trains(spec: GanSpec, step: int) -> bool:
    return spec.training.discriminator_steps.includes(step)


def _moves(plant: Plant, spec: GanSpec) -> bool:
    assert plant.load is not None
    assert plant.tensor is not None
    tensor = initial_state(spec, seed=1)[plant.tensor]
    return not np.array_equal(plant.load(tensor), tensor)


def _starts_elsewhere(plant: Plant, spec: GanSpec) -> bool:
    assert plant.start is not None
    state = initial_state(spec, seed=1)
    started = plant.start(state)
    assert list(started) == list(state)
    return any(not np.array_equal(started[name], state[name]) for name in state)


def test_a_gan_that_has_the_planted_number_itself_gets_another():
    spec = find_gan("mnist-conv")
    for name in ("leaky-relu-slope", "batch-norm-epsilon"):
        plant = find_fault(name).plant(spec)
        again = find_fault(name).plant(plant.number.with_value(plant.number.planted))
        assert again.number.expected == plant.number.planted
        assert again.number.planted == plant.number.planted / 2
        assert again.spec != plant.spec
    loss = replace(find_gan("lsgan").training.generator_loss, target=0.5)  # whose complement is itself
    spec = replace_training(find_gan("lsgan"), generator_loss=loss)
    assert find_fault("least-squares-target").plant(spec).number.planted == 0.25
    assert another(0.0, expected=0.0) == 1.0
    with pytest.raises(ValueError, match="expected another number"):
        Number(expected=1.0, planted=1.0, with_value=lambda _value: spec)


def test_a_shortcut_that_alone_takes_what_comes_before_stays():
    spec = find_gan("sine")
    hidden, *others = spec.discriminator.layers
    width = hidden.out_features
    of_input = (Recall(of=None, parts=((0, hidden.in_features),)), replace(hidden, name="linear"))
    again = Recall(of="block.input.linear", parts=((0, width),))
    branches = (Branch(name="main"), Branch(name="input", layers=of_input), Branch(name="again", layers=(again,)))
    layers = (hidden, Branches(name="block", join="add", branches=branches), *others)
    spec = replace(spec, discriminator=replace(spec.discriminator, layers=layers))
    assert FAULTS["shortcut-missing"].plants(spec) == []


def test_an_order_of_channels_is_planted_only_where_there_are_several():
    fault = FAULTS["pixel-shuffle-order"]
    (plant,) = fault.plants(MADE_UP["pooled-digits"])
    assert plant.place == "the PixelShuffle generator.linear1_pixel_shuffle"
    assert fault.plant(MADE_UP["grouped-digits"]) is None
