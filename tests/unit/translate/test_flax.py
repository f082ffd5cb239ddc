"""Programs in flax: right ones are proved, wrong ones named, and none is proved where flax is not installed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.errors import BackendUnavailable
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import Dropout, Reshape
from gan_rosetta.shared.translate.program import DIALECTS
from gan_rosetta.shared.translate.translation import translate
from tests.unit.translate.odd_gans import ODD_GANS
from tests.unit.translate.proving import prove_here, require_all_that_the_backend_has, require_drawn_to_agree

jax = pytest.importorskip("jax")
nnx = pytest.importorskip("flax.nnx")


@pytest.fixture(autouse=True)
def own_types():
    """A program asks for 64 bits for its whole process."""
    kept = jax.config.jax_enable_x64
    yield
    jax.config.update("jax_enable_x64", kept)


@pytest.mark.parametrize("name", ["linear-2d", "gaussian-1d-adam-minibatch", "sngan"])
def test_a_gan_of_the_catalogue_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, small_gan(name), "flax", steps=12)
    assert (proof.verdict, proof.place) == ("AGREE", ""), proof.reason
    assert proof.state is not None
    assert proof.num_tensors > 20
    assert set(proof.versions) >= {"Flax", "JAX"}


def test_the_dialect_lacks_nothing_that_the_backend_has():
    require_all_that_the_backend_has("flax")


def test_gans_drawn_at_random_are_proved(monkeypatch):
    require_drawn_to_agree(monkeypatch, "flax", count=4, seed=11)


# Losses, optimizers and turns are written as in JAX, whose tests prove them: these GANs have what flax writes itself.
OF_LAYERS = [name for name in ODD_GANS if name not in ("logistic-2d", "relativistic-2d", "reused-gradients")]


@pytest.mark.parametrize("name", OF_LAYERS)
def test_every_form_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, ODD_GANS[name], "flax", steps=4, begun=name != "joined-gradients")
    assert proof.verdict == "AGREE", proof.reason


def test_masks_of_images_within_a_network_of_rows_are_laid_out_as_flax_has_images(monkeypatch):
    gan = find_gan("linear-2d")
    within = (Reshape(shape=(1, 2, 1)), Dropout(name="drop", probability=0.4, unit="entry"), Reshape(shape=(2,)))
    discriminator = replace(gan.discriminator, layers=(*within, *gan.discriminator.layers))
    proof = prove_here(monkeypatch, replace(gan, name="rows", discriminator=discriminator), "flax", steps=2)
    assert proof.verdict == "AGREE", proof.reason


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("jnp.tanh(self.hidden1(x))", "jax.nn.sigmoid(self.hidden1(x))", "discriminator's loss at step 0"),
        ("b2=0.999", "b2=0.998", ".v at the end"),
    ],
)
def test_a_program_with_a_mistake_is_named(monkeypatch, right, wrong, place):
    def change(text):
        assert right in text
        return text.replace(right, wrong)

    proof = prove_here(monkeypatch, small_gan("linear-2d"), "flax", steps=1, change=change)
    assert proof.verdict == "DISAGREE"
    assert place in proof.place


def test_where_flax_is_not_installed_it_is_said(monkeypatch):
    monkeypatch.setattr(DIALECTS["flax"], "DISTRIBUTION", "flax-that-nobody-has")
    with pytest.raises(BackendUnavailable, match="Flax is not installed: pip install"):
        translate("linear-2d", to="flax", steps=1)
