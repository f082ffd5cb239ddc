"""Programs in TensorFlow: right ones are proved, wrong ones named, and no layer has a name that Keras has."""

from __future__ import annotations

import re

import pytest

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.translate.in_tensorflow.model import RESERVED
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from tests.unit.cases.gans import narrow_wgan_gp
from tests.unit.translate.odd_gans import ODD_GANS
from tests.unit.translate.proving import prove_here, require_all_that_the_backend_has, require_drawn_to_agree

keras = pytest.importorskip("keras")


@pytest.fixture(autouse=True)
def own_default_type():
    """A program sets Keras's type for its whole process, whatever others had there."""
    kept = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_floatx(kept[0])
    keras.config.set_dtype_policy(kept[1])


@pytest.mark.parametrize("name", ["linear-2d", "sine", "gaussian-1d-adam-minibatch", "sngan"])
def test_a_gan_of_the_catalogue_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, small_gan(name), "tensorflow", steps=12)
    assert (proof.verdict, proof.place) == ("AGREE", ""), proof.reason
    assert proof.state is not None
    assert proof.num_tensors > 20


@pytest.mark.parametrize("name", ["narrow-wgan-gp", "mnist-wgan-gp-sample", "penalised-images"])
def test_a_gradient_penalty_is_proved(monkeypatch, name):
    spec = narrow_wgan_gp() if name == "narrow-wgan-gp" else ODD_GANS.get(name) or small_gan(name)
    proof = prove_here(monkeypatch, spec, "tensorflow", steps=6)
    assert proof.verdict == "AGREE", proof.reason


def test_the_dialect_lacks_nothing_that_the_backend_has():
    require_all_that_the_backend_has("tensorflow")


def test_gans_drawn_at_random_are_proved(monkeypatch):
    require_drawn_to_agree(monkeypatch, "tensorflow", count=4, seed=11)


@pytest.mark.parametrize("name", ODD_GANS)
def test_every_form_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, ODD_GANS[name], "tensorflow", steps=4, begun=name != "joined-gradients")
    assert proof.verdict == "AGREE", proof.reason


@pytest.mark.parametrize(
    ("name", "right", "wrong", "place"),
    [
        ("linear-2d", "learning_rate=0.05", "learning_rate=0.051", "generator's loss at step 0"),
        # What no loss shows within a step, the state does.
        ("linear-2d", "(1 - self.beta_2) * gradient**2", "(1 - self.beta_2**2) * gradient**2", "at step 0"),
        ("odd-spectra", 'int(batch["epoch"]) / 2', 'int(batch["epoch"]) // 2', "at step 3"),
        ("odd-spectra", "        self.weight_v.assign(v)\n", "", "loss at step 0"),
        ("odd-norms", "correction=0, by_running=False", "correction=1, by_running=False", "norm2.running_var"),
    ],
)
def test_a_program_with_a_mistake_is_named(monkeypatch, name, right, wrong, place):
    spec = ODD_GANS.get(name) or small_gan(name)
    assert right in write_program(spec, DIALECTS["tensorflow"])
    proof = prove_here(
        monkeypatch,
        spec,
        "tensorflow",
        steps=4 if name == "odd-spectra" else 1,
        change=lambda text: text.replace(right, wrong),
    )
    assert proof.verdict == "DISAGREE"
    assert place in proof.place


def test_no_layer_s_name_is_one_of_a_model_s():
    names = {name for name in dir(keras.Model()) if re.fullmatch("[a-z][a-z0-9]*", name)}
    assert names <= RESERVED
