"""Programs in JAX: right ones are proved, wrong ones named, and first values are the spec's."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.state import initial_state, state_schema
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from tests.unit.translate.odd_gans import ODD_GANS
from tests.unit.translate.proving import (
    SEED,
    prove_here,
    require_all_that_the_backend_has,
    require_drawn_to_agree,
    run_here,
)

jax = pytest.importorskip("jax")


@pytest.fixture(autouse=True)
def own_types():
    """A program asks for 64 bits for its whole process."""
    kept = jax.config.jax_enable_x64
    yield
    jax.config.update("jax_enable_x64", kept)


@pytest.mark.parametrize("name", ["linear-2d", "gaussian-1d-adam-minibatch", "sngan"])
def test_a_gan_of_the_catalogue_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, small_gan(name), "jax", steps=12)
    assert (proof.verdict, proof.place) == ("AGREE", ""), proof.reason
    assert proof.state is not None
    assert proof.num_tensors > 20


def test_the_dialect_lacks_nothing_that_the_backend_has():
    require_all_that_the_backend_has("jax")


def test_gans_drawn_at_random_are_proved(monkeypatch):
    require_drawn_to_agree(monkeypatch, "jax", count=4, seed=11)


@pytest.mark.parametrize("name", ODD_GANS)
def test_every_form_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, ODD_GANS[name], "jax", steps=4, begun=name != "joined-gradients")
    assert proof.verdict == "AGREE", proof.reason


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("optax.adam(0.05", "optax.adam(0.051", "generator's loss at step 0"),
        ("b2=0.999", "b2=0.998", ".v at the end"),
    ],
)
def test_a_program_with_a_mistake_is_named(monkeypatch, right, wrong, place):
    def change(text):
        assert right in text
        return text.replace(right, wrong)

    proof = prove_here(monkeypatch, small_gan("linear-2d"), "jax", steps=1, change=change)
    assert proof.verdict == "DISAGREE"
    assert place in proof.place


@pytest.mark.parametrize("name", ["joined-gradients", "odd-norms", "odd-spectra"])
def test_first_values_are_drawn_as_the_spec_says(tmp_path, name):
    spec = ODD_GANS[name]
    text = write_program(spec, DIALECTS["jax"])
    (tmp_path / "program.py").write_text(text[: text.index("# Losses")], encoding="utf-8")
    wanted = initial_state(spec, seed=SEED)
    made = run_here(tmp_path, ["--dtype", "float64"])
    found = {
        f"{network}.{own}": np.array([made["first_tensors"](network, seed)[own] for seed in range(8)])
        for network in ("generator", "discriminator")
        for own in made["first_tensors"](network, 0)
    }
    own = {key for key, tensor in state_schema(spec).items() if tensor.role in ("parameter", "buffer")}
    assert set(found) == own
    for key in own:
        drawn, expected = found[key], wanted[key]
        assert drawn.shape[1:] == expected.shape
        if np.ptp(expected) == 0 and expected.size > 1:
            assert np.all(drawn == expected), key
        elif drawn.size >= 64:
            few = 6 / np.sqrt(min(drawn.size, expected.size))
            assert abs(np.mean(drawn) - np.mean(expected)) < 0.7 * np.std(drawn), key
            assert abs(np.log(np.std(drawn) / np.std(expected))) < max(few, 0.2), key
