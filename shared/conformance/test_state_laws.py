"""Laws on state: what is loaded comes out again bit for bit, is copied, and a wrong state is refused by name."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.compare.assertions import assert_same_bits
from gan_rosetta.shared.conformance.small import adversarial_chunk, loaded_trainer, random_state, small_gan
from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.state import state_schema


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_load_then_export_gives_the_same_bits(reference_too, backend, gan, dtype):
    spec = small_gan(gan)
    trainer = loaded_trainer(spec, backend=backend, dtype=dtype)
    state = random_state(spec, dtype=dtype)
    trainer.load_state(state)
    assert_same_bits(trainer.export_state(), state)


@pytest.mark.parametrize("name", ["linear-2d"])
def test_state_is_copied_in_and_out(reference_too, backend, name):
    spec = small_gan(name)
    trainer = loaded_trainer(spec, backend=backend)
    state = random_state(spec)
    trainer.load_state(state)
    expected = {name: array.copy() for name, array in state.items()}
    for array in state.values():
        array[...] = 99
    first = trainer.export_state()
    assert_same_bits(first, expected)
    trainer.train(trainer.stage(adversarial_chunk(spec)))
    assert_same_bits(first, expected)
    for array in first.values():
        array[...] = 98
    assert all(np.all(array != 98) for array in trainer.export_state().values())


@pytest.mark.parametrize("fault", ["missing", "extra", "misshapen"])
def test_a_wrong_state_is_refused_by_name_and_leaves_the_old_one(reference_too, backend, gan, fault):
    spec = small_gan(gan)
    trainer = loaded_trainer(spec, backend=backend)
    before = trainer.export_state()
    state = random_state(spec)
    name = list(state_schema(spec))[3]
    if fault == "missing":
        del state[name]
    elif fault == "extra":
        name = "generator.nowhere.weight"
        state[name] = np.zeros(3)
    else:
        state[name] = np.zeros((*state[name].shape, 2))
    with pytest.raises(StateError, match=name.replace(".", r"\.")):
        trainer.load_state(state)
    assert_same_bits(trainer.export_state(), before)
