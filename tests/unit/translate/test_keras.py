"""Programs in Keras: right ones are proved, wrong ones named, and Keras's own files hold what the checkpoint does."""

from __future__ import annotations

import runpy
from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.spec import Linear
from gan_rosetta.shared.state.native.assemble import gather
from gan_rosetta.shared.state.native.formats import read_checkpoint
from gan_rosetta.shared.state.native.mapping import NameMapping
from gan_rosetta.shared.translate import proof
from gan_rosetta.shared.translate.in_keras.layers import FUNCTIONS
from gan_rosetta.shared.translate.in_keras.making import AUTOMATIC
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.translation import translate
from tests.unit.translate.odd_gans import ODD_GANS
from tests.unit.translate.proving import prove_here, require_all_that_the_backend_has, require_drawn_to_agree, run_here

keras = pytest.importorskip("keras")

# Those whose networks are written in ways of this dialect's own; the rest of a program is TensorFlow's.
OWN_FORMS = [
    *("reserved-names", "joined-gradients", "odd-norms", "odd-spectra", "both-always"),
    *("branched", "branched-images", "penalised-images", "pooled-digits", "grouped-digits", "contrast-digits"),
    "coded-2d",
]


@pytest.fixture(autouse=True)
def own_default_type():
    """A program sets Keras's type for its whole process, whatever others had there."""
    kept = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_floatx(kept[0])
    keras.config.set_dtype_policy(kept[1])


def test_a_gan_of_the_catalogue_is_proved(monkeypatch):
    proof = prove_here(monkeypatch, small_gan("linear-2d"), "keras", steps=12)
    assert (proof.verdict, proof.place) == ("AGREE", ""), proof.reason
    assert proof.num_tensors > 20


@pytest.mark.parametrize(("name", "added"), [("affine", 0), ("modulate", 1)])
def test_a_sample_s_bias_is_its_own_where_there_are_as_many_rows_as_samples(tmp_path, name, added):
    (tmp_path / "function.py").write_text(FUNCTIONS[name])
    function = runpy.run_path(tmp_path / "function.py", {"keras": keras, "ops": keras.ops, "Any": object})[name]
    inputs = [keras.Input((3, 3, 1)), keras.Input((1,)), keras.Input((1,))]
    x, gain, bias = (np.random.default_rng(0).normal(size=(3, *each.shape[1:])).astype(np.float32) for each in inputs)
    wanted = (added + gain[:, np.newaxis, np.newaxis]) * x + bias[:, np.newaxis, np.newaxis]
    found = keras.Model(inputs, function(*inputs))([x, gain, bias])
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


def test_a_program_of_keras_s_own_optimizers_is_proved_and_their_differences_found(monkeypatch):
    monkeypatch.setattr(proof, "_run", run_here)
    first = small_gan("gaussian-1d-adam")
    training = replace(first.training, discriminator_optimizer=ODD_GANS["odd-norms"].training.discriminator_optimizer)
    spec = replace(first, name="of-two-optimizers", training=training)
    found = translate(spec, to="keras", steps=3, native=True)
    assert found.proof.verdict == "AGREE", found.proof.reason
    said = [each.sentence.partition(":")[0] for each in found.differences]
    assert said == [
        "the generator's optimizer is keras.optimizers.Adam, which has β held in float32 where it corrects the bias",
        "the discriminator's optimizer is keras.optimizers.RMSprop, which has epsilon_placement 'inside' in place of "
        "'outside'",
    ]
    for each in found.differences:
        assert each.place
        assert 1e-12 < each.losses < 1e-1
    assert "class Adam" not in found.text
    assert "class RMSprop" not in found.text


def test_the_dialect_lacks_nothing_that_the_backend_has():
    require_all_that_the_backend_has("keras")


def test_gans_drawn_at_random_are_proved(monkeypatch):
    require_drawn_to_agree(monkeypatch, "keras", count=2, seed=12)


@pytest.mark.parametrize("name", OWN_FORMS)
def test_every_form_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, ODD_GANS[name], "keras", steps=2, begun=name != "joined-gradients")
    assert proof.verdict == "AGREE", proof.reason


@pytest.mark.parametrize("automatic", ["activation", "lambda"])
def test_layers_called_as_keras_calls_its_own_are_told_apart(monkeypatch, automatic):
    assert automatic in AUTOMATIC
    spec = small_gan("linear-2d")
    layers = [replace(each, name=automatic) if isinstance(each, Linear) else each for each in spec.generator.layers]
    spec = replace(spec, generator=replace(spec.generator, layers=tuple(layers)))
    assert prove_here(monkeypatch, spec, "keras", steps=1).verdict == "AGREE"


@pytest.mark.parametrize(
    ("name", "right", "wrong", "place"),
    [
        ("linear-2d", 'Activation("tanh")', 'Activation("sigmoid")', "discriminator's loss at step 0"),
        # What no loss shows within a step, the state does.
        ("linear-2d", "(1 - self.beta_2) * gradient**2", "(1 - self.beta_2**2) * gradient**2", "at step 0"),
        ("branched-images", "keras.layers.Add()([block1_main_end", "keras.layers.Multiply()([block1_main_end", "loss"),
    ],
)
def test_a_program_with_a_mistake_is_named(monkeypatch, name, right, wrong, place):
    spec = ODD_GANS.get(name) or small_gan(name)
    assert right in write_program(spec, DIALECTS["keras"])
    proof = prove_here(monkeypatch, spec, "keras", steps=1, change=lambda text: text.replace(right, wrong))
    assert proof.verdict == "DISAGREE"
    assert place in proof.place


@pytest.mark.parametrize("name", ["linear-2d", "odd-norms"])
def test_keras_s_own_files_hold_both_networks(tmp_path, name):
    spec = (ODD_GANS.get(name) or small_gan(name)).with_steps(training=1)
    (tmp_path / "program.py").write_text(write_program(spec, DIALECTS["keras"]), encoding="utf-8")
    digits = ["--mnist", str(tmp_path)]
    run_here(tmp_path, ["--out", "left", "--steps", "0", *(digits if name != "linear-2d" else [])])
    files = {network: tmp_path / "left" / f"{network}.weights.h5" for network in spec.networks()}
    checkpoints = {network: read_checkpoint(file, spec) for network, file in files.items()}
    # Images become rows one channel after the other, as in the description.
    found = gather(spec, checkpoints, NameMapping(flattens_last=False)).state
    whole = gather(spec, {"": read_checkpoint(tmp_path / "left" / "checkpoint.npz", spec)}, NameMapping()).state
    names = [each for each in whole if each.startswith(("generator.", "discriminator."))]
    assert names
    for each in names:
        np.testing.assert_array_equal(found[each], whole[each], err_msg=each)
