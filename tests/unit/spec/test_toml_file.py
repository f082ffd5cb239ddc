"""Specs in TOML: what is written is read again as it was, and each mistake is told with its line."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.spec import (
    BatchNorm,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    ConstantRate,
    DigitsReal,
    ExponentialDecay,
    GradientDescent,
    GridReal,
    LinearGaussianReal,
    RingReal,
    SpiralReal,
    StopRule,
    UniformFanIn,
)
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.spec.toml_file import read_spec, spec_from_toml, spec_to_toml, write_spec

SINE = spec_to_toml(find_gan("sine"))
WGAN = spec_to_toml(find_gan("mnist-wgan-gp"))
GAUSSIAN = spec_to_toml(find_gan("gaussian-1d"))
FLOATS = st.floats(min_value=0, max_value=1e300, exclude_min=True)


@pytest.mark.parametrize("name", CATALOGUE)
def test_catalogue_is_read_as_it_was_written(name, tmp_path):
    spec = CATALOGUE[name]
    path = tmp_path / "mine.toml"
    write_spec(path, spec)
    read = read_spec(path, reserved=CATALOGUE)
    assert read == spec
    assert repr(read) == repr(spec)
    assert spec_digest(read) == spec_digest(spec)
    assert spec_to_toml(read) == path.read_text(encoding="utf-8")


@settings(deadline=None, max_examples=30)
@given(
    low=FLOATS, rate=FLOATS, factor=FLOATS, floor=st.floats(max_value=-1e-300, allow_infinity=False), title=st.text()
)
def test_floats_and_texts_are_exact(low, rate, factor, floor, title):
    spec = find_gan("mnist-conv")
    norm = BatchNorm(
        name="norm10", num_features=3, epsilon=low, momentum=0.1, running_variance="biased", statistics="running"
    )
    loss = {"log_floor": floor, "denominator_floor": low, "reduction": "sum", "real_label": 0}
    training = replace(
        spec.training,
        generator_optimizer=GradientDescent(
            learning_rate=ExponentialDecay(initial=rate, factor=factor, every=7, staircase=False)
        ),
        discriminator_optimizer=GradientDescent(learning_rate=ConstantRate(value=rate)),
        discriminator_loss=BinaryCrossEntropyDiscriminatorLoss(**loss),
        generator_loss=BinaryCrossEntropyGeneratorLoss(**loss),
        stop=StopRule(tolerance=low),
    )
    generator = replace(spec.generator, layers=(*spec.generator.layers[:-1], norm, spec.generator.layers[-1]))
    changed = replace(spec, title=title, training=training, generator=generator)
    read = spec_from_toml(spec_to_toml(changed), where="mine.toml")
    assert read == changed
    assert repr(read) == repr(changed)


def test_layout():
    assert GAUSSIAN.startswith('name = "gaussian-1d"\ntitle = ')
    headers = [line for line in GAUSSIAN.splitlines() if line.startswith("[")]
    assert list(dict.fromkeys(headers)) == [
        "[real]",
        "[latent]",
        "[generator]",
        "[[generator.layers]]",
        "[discriminator]",
        "[[discriminator.layers]]",
        "[pretraining]",
        "[pretraining.data]",
        "[pretraining.loss]",
        "[pretraining.optimizer]",
        "[training]",
        "[training.discriminator_steps]",
        "[training.discriminator_loss]",
        "[training.generator_loss]",
        "[training.discriminator_optimizer]",
        "[training.generator_optimizer]",
    ]
    assert 'penalty = {weight = 10.0, norm = "channel"}' in WGAN
    assert "pretraining" not in SINE
    assert "probability_floor" not in SINE
    assert "num_images" not in WGAN
    assert tomllib.loads(SINE)["training"]["stop"] == {"tolerance": 1e-6}


def test_whole_numbers_serve_as_numbers():
    spec = spec_from_toml(GAUSSIAN.replace("mean = 4.0", "mean = 4"), where="mine.toml")
    assert repr(spec) == repr(find_gan("gaussian-1d"))
    whole = replace(find_gan("gaussian-1d"), real=replace(find_gan("gaussian-1d").real, mean=4))
    assert spec_from_toml(spec_to_toml(whole), where="mine.toml") == whole


def test_types_may_be_named_where_there_is_no_choice():
    text = SINE.replace("[training]\n", '[training]\ntype = "Training"\n')
    assert spec_from_toml(text, where="mine.toml") == find_gan("sine")


def test_other_ways_of_writing_the_same():
    """Layers as a list of inline tables, dotted and quoted keys, comments."""
    head, rest = SINE.split("[generator]\n", 1)
    rest = rest[rest.index("[discriminator]") :]
    layers = """
        {type = 'Linear', name = 'hidden1', in_features = 5, out_features = 64, weight_init = U, bias_init = U}, # first
        {type = 'ReLU'}, {"type" = 'Linear', name = 'hidden2', in_features = 64, out_features = 1_28,
        weight_init = U, bias_init = U}, {type = 'ReLU'},
        {type = 'Linear', name = 'output', in_features = 128, out_features = 16, weight_init.type = "UniformFanIn",
        bias_init = U},
    """
    layers = layers.replace("= U", "= {type = 'UniformFanIn'}").replace("\n        weight", " weight")
    layers = layers.replace("\n        bias", " bias")
    text = f'# mine\n{head}["generator"]\ninput_shape = [\n5 # five\n]\nlayers = [{layers}]\n{rest}'
    assert spec_from_toml(text, where="mine.toml") == find_gan("sine")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(SpecError, match=r"none\.toml cannot be read \(No such file or directory\); name a GAN's"):
        read_spec(tmp_path / "none.toml")
    with pytest.raises(SpecError, match=r"cannot be read \(it is a folder, not a file\)"):
        read_spec(tmp_path)
    path = tmp_path / "mine.toml"
    path.write_bytes(SINE.replace("Sine curves", "Sinuskurven für").encode("latin-1"))
    with pytest.raises(SpecError, match=r"mine\.toml, line 2: byte 0xfc is not UTF-8; save the file in the encoding"):
        read_spec(path)
    path.write_text(SINE, encoding="utf-16")
    with pytest.raises(SpecError, match="line 1: byte 0xff is not UTF-8"):
        read_spec(path)
    with pytest.raises(SpecError, match="cannot be written"):
        write_spec(tmp_path / "none" / "mine.toml", find_gan("sine"))


@pytest.mark.parametrize(
    "real",
    [
        RingReal(num_modes=8, radius=2.0, standard_deviation=0.02),
        GridReal(side=5, spacing=2.0, standard_deviation=0.05),
        SpiralReal(num_arms=2, num_turns=1.5, radius=1.0, standard_deviation=0.02),
    ],
)
def test_a_toy_reads_back(real):
    toy = replace(find_gan("linear-2d"), real=real)
    assert spec_from_toml(spec_to_toml(toy), where="mine.toml") == toy


def test_byte_order_mark_is_no_mistake(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(SINE.encode("utf-8-sig"))
    assert read_spec(path) == find_gan("sine")


def test_matrices_and_options_left_out():
    linear = replace(
        find_gan("linear-2d"),
        real=LinearGaussianReal(matrix=((0.1, -0.0), (1e-300, 2.5)), offset=(3.0, 1e22), num_points=7),
    )
    assert repr(spec_from_toml(spec_to_toml(linear), where="mine.toml")) == repr(linear)
    wgan = find_gan("mnist-wgan-gp")
    digits = DigitsReal(size=28, num_channels=1, low=-1.0, high=1.0, num_images=8, reshuffle=True)
    first = replace(wgan.generator.layers[0], bias_init=None, weight_init=UniformFanIn())
    changed = replace(wgan, real=digits, generator=replace(wgan.generator, layers=(first, *wgan.generator.layers[1:])))
    assert repr(spec_from_toml(spec_to_toml(changed), where="mine.toml")) == repr(changed)
