"""Programs in MXNet: right ones are proved, wrong ones named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.spec import ConstantRate, GradientDescent
from gan_rosetta.shared.translate import proof
from gan_rosetta.shared.translate.native import own_parts, with_own_parts
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.translation import translate
from tests.unit.cases.gans import narrow_wgan_gp
from tests.unit.translate.odd_gans import ODD_GANS
from tests.unit.translate.proving import prove_here, require_all_that_the_backend_has, require_drawn_to_agree, run_here

framework = pytest.importorskip("gan_rosetta.backends.mxnet.framework")

# mx.nd.array looks for scipy's sparse matrices where they used to be.
pytestmark = pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")


@pytest.fixture(autouse=True)
def own_names():
    """A program gives NumPy a name back for its whole process."""
    yield
    vars(np).pop("bool", None)


@pytest.mark.parametrize("name", ["linear-2d", "sine", "sngan"])
def test_a_gan_of_the_catalogue_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, small_gan(name), "mxnet", steps=12)
    assert (proof.verdict, proof.place) == ("AGREE", ""), proof.reason
    assert proof.state is not None
    assert proof.num_tensors > 20


@pytest.mark.parametrize("name", ["narrow-wgan-gp", "mnist-wgan-gp-sample", "penalised-images"])
def test_a_gradient_penalty_is_proved(monkeypatch, name):
    spec = narrow_wgan_gp() if name == "narrow-wgan-gp" else ODD_GANS.get(name) or small_gan(name)
    proof = prove_here(monkeypatch, spec, "mxnet", steps=6)
    assert proof.verdict == "AGREE", proof.reason


@pytest.mark.parametrize("kind", ["Adam", "SGD"])
def test_a_program_of_mxnet_s_own_optimizers_is_proved_and_their_differences_found(monkeypatch, kind):
    monkeypatch.setattr(proof, "_run", run_here)
    spec = small_gan("gaussian-1d-adam")
    if kind == "SGD":
        descent = GradientDescent(learning_rate=ConstantRate(value=0.1))
        training = replace(spec.training, discriminator_optimizer=descent, generator_optimizer=descent)
        spec = replace(spec, name="of-descent", training=training)
    found = translate(spec, to="mxnet", steps=4, native=True)
    assert found.proof.verdict == "AGREE", found.proof.reason
    assert [each.part.form.part for each in found.differences] == [f"mx.optimizer.{kind}"] * 2
    for each in found.differences:
        assert "rate in float32" in each.sentence
        assert each.place
        assert 1e-12 < each.losses < 1e-4


def test_what_mxnet_s_own_adam_keeps_goes_on(monkeypatch):
    gan, dialect = small_gan("gaussian-1d-adam"), DIALECTS["mxnet"]
    own = with_own_parts(gan, own_parts(gan, dialect))
    assert prove_here(monkeypatch, own, "mxnet", steps=2, begun=True).verdict == "AGREE"


def test_the_dialect_lacks_nothing_that_the_backend_has():
    require_all_that_the_backend_has("mxnet")


def test_gans_drawn_at_random_are_proved(monkeypatch):
    require_drawn_to_agree(monkeypatch, "mxnet", count=4, seed=11)


@pytest.mark.parametrize("name", ODD_GANS)
def test_every_form_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, ODD_GANS[name], "mxnet", steps=4, begun=name != "joined-gradients")
    assert proof.verdict == "AGREE", proof.reason


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("trainer_d.step(1)", "trainer_d.step(4)", "at step 0"),
        ("learning_rate=0.05", "learning_rate=0.051", "generator's loss at step 0"),
        ("(1 - 0.999) * gradient**2", "(1 - 0.998) * gradient**2", "generator's loss at step 0"),
        # What no loss shows within a step, the state does.
        ("learning_rate=0.01)", "learning_rate=0.011)", "generator.output."),
    ],
)
def test_a_program_with_a_mistake_is_named(monkeypatch, right, wrong, place):
    assert right in write_program(small_gan("linear-2d"), DIALECTS["mxnet"])
    proof = prove_here(
        monkeypatch, small_gan("linear-2d"), "mxnet", steps=1, change=lambda text: text.replace(right, wrong)
    )
    assert proof.verdict == "DISAGREE"
    assert place in proof.place
