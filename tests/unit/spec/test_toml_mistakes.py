"""Specs in TOML: each mistake is told in one line, with the number of the line on which it stands."""

from __future__ import annotations

import re

import pytest

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.spec.toml_file import spec_from_toml, spec_to_toml

SINE = spec_to_toml(find_gan("sine"))
WGAN = spec_to_toml(find_gan("mnist-wgan-gp"))
GAUSSIAN = spec_to_toml(find_gan("gaussian-1d"))
LINEAR = spec_to_toml(find_gan("linear-2d"))
ADAM = (
    '[training.generator_optimizer]\ntype = "Adam"\nlearning_rate = {type = "ConstantRate", value = 0.0001}\nbeta1 = '
)
FIRST_LAYER = '\n\n[[discriminator.layers]]\ntype = "Linear"\nname = "hidden1"\nin_features = '
BATCH_NORM = """type = "BatchNorm"
name = "norm"
num_features = 512
epsilon = 1.0
momentum = 0
running_variance = "biased"
statistics = "batch\""""


def line_number(text: str, wanted: str) -> int:
    """Return the line of the one occurrence of some text."""
    assert text.count(wanted) == 1, wanted
    return text[: text.index(wanted)].count("\n") + 1


def layer(text: str, network: str, index: int) -> int:
    """Return the line of the header of a layer."""
    headers = [match.start() for match in re.finditer(re.escape(f"[[{network}.layers]]"), text)]
    return text[: headers[index]].count("\n") + 1


def message_of(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        spec_from_toml(text, where="mine.toml")
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def assert_refused(text: str, line: int, *words: str) -> None:
    message = message_of(text)
    assert message.startswith(f"mine.toml, line {line}: "), message
    for word in words:
        assert word in message, message


# What is replaced in a text, by what, the words of the message, and the text on the line that it names.
MISTAKES = {
    "syntax": (SINE, "batch_size = 64", "batch_size 64", "not TOML: Expected '=' after a key"),
    "key twice": (
        SINE,
        "batch_size = 64",
        "batch_size = 64\nname = 'x'",
        "not TOML: Cannot overwrite a value",
        "name = 'x'",
    ),
    "unknown layer": (
        SINE,
        '"Sigmoid"',
        '"Sigmoit"',
        "unknown type 'Sigmoit': did you mean 'Sigmoid'? Known: Linear, Conv2d,",
    ),
    "layer's case": (GAUSSIAN, '"Softplus"', '"softPlus"', "unknown type 'softPlus': did you mean 'Softplus'?"),
    "unknown loss": (SINE, '"SaturatingGeneratorLoss"', '"SaturatingLoss"', "did you mean 'SaturatingGeneratorLoss'?"),
    "unknown optimizer": (
        SINE,
        '[training.generator_optimizer]\ntype = "Adam"',
        '[training.generator_optimizer]\ntype = "Adamm"',
        "generator_optimizer: unknown type 'Adamm': did you mean 'Adam'? Known: GradientDescent, Adam, Adadelta",
        '"Adamm"',
    ),
    "unknown source": (SINE, '"SineReal"', '"CosineReal"', "real: unknown type 'CosineReal': did you mean 'SineReal'?"),
    "type not a text": (SINE, '"SineReal"', "3", "type is 3; expected one of GaussianReal"),
    "no type": (SINE, 'type = "SineReal"\n', "", "real lacks type; expected one of GaussianReal", "[real]"),
    "wrong type where there is no choice": (
        SINE,
        "[training.stop]",
        '[training.stop]\ntype = "Adam"',
        "stop: unknown type 'Adam'; known: StopRule",
        'type = "Adam"\ntolerance',
    ),
    "no value": (SINE, "num_points = 16\n", "", "SineReal lacks num_points; expected a whole number", "[real]"),
    "no text": (
        SINE,
        'title = "Sine curves from five numbers of noise"\n',
        "",
        "GanSpec lacks title; expected a text",
        'name = "sine"',
    ),
    "no table": (SINE, "[latent]", "[real.latent]", "SineReal: unknown key 'latent'", "[real.latent]"),
    "no list": (
        SINE,
        "input_shape = [5]\n",
        "",
        "Network lacks input_shape; expected a list of whole numbers",
        "[generator]",
    ),
    "no layers": (
        SINE,
        SINE[SINE.index("[[generator.layers]]") : SINE.index("[discriminator]")],
        "",
        "Network lacks layers; expected a list of tables",
        "[generator]",
    ),
    "unknown key": (
        SINE,
        "batch_size",
        "batchsize",
        "GanSpec: unknown key 'batchsize': did you mean 'batch_size'? Known: name,",
    ),
    "unknown key in braces": (
        GAUSSIAN,
        '[pretraining.optimizer]\ntype = "GradientDescent"\nlearning_rate = {',
        '[pretraining.optimizer]\ntype = "GradientDescent"\nlearning_rate = {faktor = 1, ',
        "ExponentialDecay: unknown key 'faktor': did you mean 'factor'?",
        "faktor",
    ),
    "optional key misspelt": (WGAN, "penalty =", "penaltie =", "unknown key 'penaltie': did you mean 'penalty'?"),
    "text for a whole number": (
        SINE,
        "batch_size = 64",
        "batch_size = '64'",
        "batch_size is '64'; expected a whole number",
    ),
    "number for a whole number": (
        SINE,
        "batch_size = 64",
        "batch_size = 64.0",
        "batch_size is 64.0; expected a whole number",
    ),
    "flag for a whole number": (
        SINE,
        "batch_size = 64",
        "batch_size = true",
        "batch_size is true; expected a whole number",
    ),
    "too many bits": (SINE, "batch_size = 64", f"batch_size = 0x{'f' * 5000}", "more than 64 bits"),
    "text for a number": (WGAN, "weight = 10.0", "weight = '10'", "weight is '10'; expected a number"),
    "flag for a number": (WGAN, "weight = 10.0", "weight = false", "weight is false; expected a number"),
    "number for a flag": (GAUSSIAN, "sort = true", "sort = 1", "sort is 1; expected true or false"),
    "number for a text": (SINE, 'name = "sine"', "name = 7", "name is 7; expected a text in quotes"),
    "long text": (
        SINE,
        'first = "generator"',
        f"first = '{'x' * 500}'",
        "first is 'xxxxxxxxxxxx...xxxxxxxxxxxxx'; expected one of",
    ),
    "text of two lines": (
        SINE,
        'first = "generator"',
        'first = """a\nb"""',
        r"first is 'a\nb'; expected one of",
        "first =",
    ),
    "date": (
        SINE,
        "batch_size = 64",
        "batch_size = 2026-01-01",
        "batch_size is a date or time; expected a whole number",
    ),
    "word that is no choice": (
        SINE,
        'first = "generator"',
        'first = "g"',
        "first is 'g'; expected one of 'discriminator', 'generator'",
    ),
    "label that is no choice": (
        SINE,
        '[training.generator_loss]\ntype = "SaturatingGeneratorLoss"\nreduction = "mean"\nreal_label = 1',
        '[training.generator_loss]\ntype = "SaturatingGeneratorLoss"\nreduction = "mean"\nreal_label = true',
        "real_label is true; expected one of 0, 1",
        "real_label = true",
    ),
    "number for a list": (
        SINE,
        "shape = [5]\nredraw",
        "shape = 5\nredraw",
        "shape is 5; expected a list of whole numbers",
        "shape = 5\n",
    ),
    "text in a matrix": (LINEAR, "-0.1,", "'x',", "entry 1 of entry 2 of matrix is 'x'; expected a number"),
    "text in a list": (
        SINE,
        "shape = [5]\nredraw",
        "shape = [\n1,\n'5']\nredraw",
        "entry 2 of shape is '5'; expected a whole number",
        "'5']",
    ),
    "table for a list": (
        SINE,
        "shape = [5]\nredraw",
        "shape = {}\nredraw",
        "shape is a table; expected a list",
        "shape = {}",
    ),
    "number for a table": (
        SINE,
        "[training.discriminator_steps]\nperiod = 1\noffsets = [0]\n",
        "discriminator_steps = 1\n",
        "discriminator_steps is 1; expected a table, a StepPattern",
        "discriminator_steps = 1",
    ),
    "list for a table": (
        SINE,
        "[real]",
        "[[real]]",
        "real is a list; expected a table with type one of GaussianReal",
        "[[real]]",
    ),
    "out of range": (SINE, "batch_size = 64", "batch_size = 0", "batch_size is 0; expected an integer of at least 1"),
    "not finite": (WGAN, "weight = 10.0", "weight = inf", "weight is inf; expected a finite number of at least 0"),
    "too large": (
        SINE,
        f"{ADAM}0.9",
        f"{ADAM}1",
        "Adam: beta1 is 1.0; expected less than 1",
        "beta1 = 1\n",
    ),
    "pattern": (SINE, "offsets = [0]", "offsets = [1]", "offsets are (1,); expected at least one, each from 0 to 0"),
    "name": (SINE, 'name = "sine"', 'name = "My GAN"', "name is 'My GAN'; expected lower-case words"),
    "contradiction": (
        SINE,
        'latent_draws = "shared"',
        'latent_draws = "separate"',
        "fake_batch='reused' needs",
        "fake_batch",
    ),
    "loss that does not fit": (
        SINE,
        '"SaturatingGeneratorLoss"',
        '"WassersteinGeneratorLoss"',
        "generator_loss as critic; expected the same",
        "[training.generator_loss]",
    ),
    "latent that does not fit": (
        SINE,
        "shape = [5]\nredraw",
        "shape = [6]\nredraw",
        "latent samples have shape (6,)",
        "input_shape = [5]",
    ),
    "real that does not fit": (
        WGAN,
        "size = 28",
        "size = 27",
        "generated samples have shape (1, 28, 28), real samples (1, 27, 27)",
        '[[generator.layers]]\ntype = "Reshape"',
    ),
    "input that does not fit": (
        SINE,
        f"[16]{FIRST_LAYER}16",
        f"[17]{FIRST_LAYER}17",
        "real samples have shape (16,), discriminator.input_shape (17,); expected the same",
        "input_shape = [17]",
    ),
    "end that does not fit": (
        SINE,
        'type = "Sigmoid"',
        'type = "Tanh"',
        "needs a discriminator that ends in Sigmoid",
        '[[discriminator.layers]]\ntype = "Tanh"',
    ),
    "pretraining that does not fit": (
        SINE,
        "[training]\n",
        GAUSSIAN[GAUSSIAN.index("[pretraining]") : GAUSSIAN.index("[training]")] + "[training]\n",
        "pretraining on a density needs a discriminator from shape (1,)",
        "[pretraining]",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_with_their_line(mistake):
    text, old, new, words, *place = MISTAKES[mistake]
    assert text.count(old) == 1
    changed = text.replace(old, new)
    assert_refused(changed, line_number(changed, place[0] if place else new), words)


@pytest.mark.parametrize(
    ("network", "index"), [("generator", 2), ("generator", 4), ("discriminator", 0), ("discriminator", 4)]
)
def test_layers_that_do_not_fit_are_told_with_their_own_line(network, index):
    start = layer(SINE, network, index)
    lines = SINE.splitlines()
    place = next(number for number in range(start, len(lines)) if lines[number].startswith("in_features"))
    lines[place] = "in_features = 99"
    assert_refused("\n".join(lines), start, "takes in_features=99, but its input has shape")


def test_layers_that_are_wrong_in_themselves():
    text = SINE.replace('name = "hidden2"', 'name = "hidden1"')
    assert_refused(text, layer(text, "generator", 2), "two layers are named 'hidden1'; expected each name once")
    text = SINE.replace('name = "hidden2"', 'name = "Hidden 2"', 1)
    assert_refused(
        text, line_number(text, '"Hidden 2"'), "layer name 'Hidden 2'; expected lower-case letters and digits"
    )
    text = SINE.replace("out_features = 128", "out_features = -1")
    assert_refused(
        text, line_number(text, "= -1"), "Linear 'hidden2': out_features is -1; expected an integer of at least"
    )
    activation = '[[discriminator.layers]]\ntype = "LeakyReLU"\nslope = 0.2'
    text = WGAN.replace(activation, '[[discriminator.layers]]\ntype = "Softmax"\naxis = 0', 1)
    assert_refused(text, layer(text, "discriminator", 2), "a gradient penalty needs a discriminator of Linear")
    text = SINE.replace('type = "ReLU"', "type = true", 1)
    assert_refused(text, line_number(text, "true\n\n[[generator"), "type is true; expected one of Linear")


def test_texts_that_are_no_spec_at_all():
    assert_refused("", 1, "GanSpec lacks name; expected a text in quotes")
    assert_refused("\n\n\nname = 'x", 4, "not TOML")
    assert_refused("\n\n[real", 3, "not TOML")
    assert "32 deep in one another" in message_of("x = " + "[" * 5000)
    assert "not TOML: Exceeds the limit" in message_of("x = " + "1" * 5000)


def test_mistakes_after_texts_of_several_lines():
    text = SINE.replace('title = "', 'title = """\n[real]\ntype = "wrong" # \n').replace('of noise"', 'of noise"""')
    assert "[real]" in spec_from_toml(text, where="mine.toml").title
    text = text.replace("\n", "\r\n").replace("num_points = 16", "num_points = 0")
    assert_refused(text, line_number(text, "num_points = 0"), "num_points is 0")


def test_mistakes_in_other_ways_of_writing():
    linear = "{type = 'Linear', name = 'n', in_features = 5, out_features = 16, weight_init.type = 'UniformFanIn'}"
    layers = f"layers = [{{type = 'ReLU'}}, # ]\n{linear},\n  {{type = 'ReLU'}}]"
    start, end = SINE.index("[[generator.layers]]"), SINE.index("[discriminator]")
    text = f"{SINE[:start]}{layers}\n\n{SINE[end:]}"
    assert spec_from_toml(text, where="mine.toml").generator.layers[1].bias_init is None
    broken = text.replace("in_features = 5", "in_features = 6")
    assert_refused(broken, line_number(broken, "in_features = 6,"), "Linear 'n' takes in_features=6", "(5,)")
    broken = text.replace("name = 'n'", "name = 'n', extra = 1")
    assert_refused(broken, line_number(broken, "extra"), "Linear: unknown key 'extra'")
    broken = text.replace("  {type = 'ReLU'}", "  {'type' = 'Relo'}")
    assert_refused(broken, line_number(broken, "Relo"), "unknown type 'Relo': did you mean 'ReLU'?")


def test_names_of_other_gans_are_taken():
    def read(text: str):
        return spec_from_toml(text, where="mine.toml", reserved=CATALOGUE)

    assert read(SINE.replace("num_steps = 10000", "num_steps = 5")).training.num_steps == 5
    changed = f"# A comment.\n{SINE.replace('batch_size = 64', 'batch_size = 63')}"
    with pytest.raises(SpecError, match=r"^mine\.toml, line 2: name 'sine' is that of another GAN; expected a name of"):
        read(changed)
    assert read(changed.replace('"sine"', '"sine-2"')).name == "sine-2"
    assert spec_from_toml(changed, where="mine.toml").batch_size == 63


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_missing_line_is_a_mistake_or_an_option(name):
    """Without any one of its lines, a file gives a spec or one message of one line with a number."""
    lines = spec_to_toml(CATALOGUE[name]).splitlines()
    numbered = re.compile(r"mine\.toml, line \d+: ")
    for index in range(0, len(lines), max(1, len(lines) // 60)):
        text = "\n".join(lines[:index] + lines[index + 1 :])
        message = ""
        try:
            spec_from_toml(text, where="mine.toml")
        except SpecError as error:
            message = str(error)
        assert not message or (numbered.match(message) and len(message.splitlines()) == 1)
