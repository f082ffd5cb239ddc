"""Networks of torch read into specs: what was read is proved by a pass, what cannot be is named by its path."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.errors import UnsupportedLayer, UsageError
from gan_rosetta.shared.spec import Dropout, LeakyReLU, Linear, MovingAverage, Network, UniformFanIn
from gan_rosetta.shared.spec.toml_file import read_spec
from gan_rosetta.shared.state import averaged, initial_state, state_schema
from gan_rosetta.shared.state.archive import read_state, write_state
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.reading import read, write_reading
from tests.unit.translate.proving import SEED, run_here

torch = pytest.importorskip("torch")
nn = torch.nn
layers = pytest.importorskip("gan_rosetta.backends.torch.reading_layers")
build_network = pytest.importorskip("gan_rosetta.backends.torch.layers").build_network
programs = pytest.importorskip("tests.unit.translate.torch_programs")
forms = pytest.importorskip("tests.unit.translate.torch_forms")
PROGRAMS = programs.PROGRAMS | forms.FORMS
sine = programs.sine


def by_content(array):
    return array.shape, array.astype(np.float64).tobytes()


@pytest.mark.parametrize("name", PROGRAMS)
def test_networks_of_programs_are_read_and_proved(name, tmp_path):
    like, make = PROGRAMS[name]
    torch.manual_seed(5)
    generator, discriminator = make()
    before = {key: tensor.clone() for key, tensor in generator.state_dict().items()}
    found = read(generator=generator, discriminator=discriminator, like=like)
    assert found.num_samples == min(8, found.spec.batch_size)
    for key, tensor in generator.state_dict().items():
        assert torch.equal(tensor, before[key]), "a network that is read stays as it is"
    # Every number of the program is in the state, bit for bit.
    for network, module in (("generator", generator), ("discriminator", discriminator)):
        theirs = [t.numpy() for key, t in module.state_dict().items() if "num_batches" not in key]
        schema = state_schema(found.spec).items()
        own = [found.state[key] for key, t in schema if t.network == network and t.role in ("parameter", "buffer")]
        assert len(theirs) == len(own)
        for first, second in zip(sorted(theirs, key=by_content), sorted(own, key=by_content), strict=True):
            assert np.array_equal(first.astype(np.float64), second)
    beside = write_reading(tmp_path / "read.toml", found)
    again = read_spec(tmp_path / "read.toml")
    assert again == found.spec
    assert set(read_state(beside, again)) == set(found.state)


@pytest.mark.parametrize("name", programs.NOT_READ)
def test_what_of_a_program_is_not_read_is_named_by_its_place(name):
    like, make, message = programs.NOT_READ[name]
    generator, discriminator = make()
    with pytest.raises(UnsupportedLayer, match=message):
        read(generator=generator, discriminator=discriminator, like=like)


def bare(network):
    """A network without its first values, which no module tells."""
    layers = []
    for layer in network.layers:
        names = [name for name in ("weight_init", "bias_init") if getattr(layer, name, None) is not None]
        layers.append(replace(layer, **dict.fromkeys(names, UniformFanIn())))
    return replace(network, layers=tuple(layers))


@pytest.mark.parametrize("name", ["linear-2d", "sine", "gaussian-1d", "wgan", "mnist-wgan-gp"])
def test_a_program_that_was_written_is_read_back(name, tmp_path):
    spec = replace(small_gan(name), name=f"small-{name}")
    state = initial_state(spec, seed=SEED)
    write_state(tmp_path / "state.safetensors", state, metadata={"gan": spec.name})
    text = write_program(spec, DIALECTS["torch"])
    # As far as the networks and their optimizers are made.
    (tmp_path / "program.py").write_text(text[: text.index("# Step")], encoding="utf-8")
    kept = torch.get_default_dtype()
    try:
        made = run_here(tmp_path, ["--dtype", "float64", "--state", "state.safetensors"])
    finally:
        torch.set_default_dtype(kept)
    own = {f"{each}_optimizer": made[f"optimizer_{each[0]}"] for each in ("generator", "discriminator")}
    own = {} if name == "gaussian-1d" else own  # whose rates decay by a schedule
    found = read(generator=made["generator"], discriminator=made["discriminator"], like=spec, **own)
    for network, expected in spec.networks().items():
        assert bare(found.spec.networks()[network]) == bare(expected)
    assert found.spec.training == spec.training
    for key, array in state.items():
        assert np.array_equal(found.state[key], array), key


def test_settings_are_read():
    like, make = PROGRAMS["lyeoni/pytorch-mnist-GAN"]
    generator, discriminator = make()
    found = read(generator=generator, discriminator=discriminator, like=like, name="mine")
    assert found.spec.name == "mine"
    layers = found.spec.discriminator.layers
    assert [each.name for each in layers if isinstance(each, Linear)] == ["fc1", "fc2", "fc3", "fc4"]
    assert [each.probability for each in layers if isinstance(each, Dropout)] == [0.3, 0.3, 0.3]
    assert {each.slope for each in layers if isinstance(each, LeakyReLU)} == {0.2}


class Skips(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 1)

    def forward(self, x):
        return self.second(x + self.first(x) + 1)


class Crosses(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 16)
        self.output = nn.Linear(16, 1)

    def forward(self, x):
        a = self.first(x)
        return self.output(self.third(a) + (self.second(a) + x))


class Forgets(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 1)

    def forward(self, x):
        self.first(x)
        return self.second(x)


class Residual(nn.Module):
    """Blocks as they are written: a branch and its input, ways put together, one times another, one inside of one."""

    def __init__(self):
        super().__init__()
        self.hidden, self.first, self.second = nn.Linear(16, 8), nn.Linear(8, 6), nn.Linear(6, 8)
        self.left, self.gate = nn.Linear(8, 3), nn.Linear(8, 3)
        self.output = nn.Linear(11, 1)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        x = x + self.second(torch.tanh(self.first(torch.relu(x))))
        x = torch.cat([self.left(x) * torch.sigmoid(self.gate(x)), x], dim=1)
        return torch.sigmoid(self.output(x))


class Shares(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 1)

    def forward(self, x):
        return self.second(self.first(self.first(x)))


class Branches(Shares):
    def forward(self, x):
        return self.second(x) if x.sum() > 0 else self.second(self.first(x))


class AsksMore(Shares):
    def forward(self, x, classes):
        return self.second(self.first(x) * classes)


def hooked():
    network = nn.Sequential(nn.Linear(16, 1))
    network[0].register_forward_hook(lambda *_: None)
    return network


@pytest.mark.parametrize(
    "made",
    [
        lambda: [nn.ELU(0.7), nn.SELU(), nn.PReLU(), nn.GELU(), nn.GELU(approximate="tanh"), nn.SiLU()],
        lambda: [nn.Unflatten(1, (1, 4, 4)), nn.PixelShuffle(1), nn.Conv2d(1, 4, 1), nn.GroupNorm(2, 4), nn.Flatten()],
        lambda: [
            nn.Unflatten(1, (4, 2, 2)),
            nn.PixelShuffle(2),
            nn.InstanceNorm2d(1),
            nn.AvgPool2d(3, 1),
            nn.Flatten(),
        ],
        lambda: [
            nn.Unflatten(1, (1, 4, 4)),
            nn.Conv2d(1, 3, 2),
            nn.PReLU(3, init=0.1),
            nn.MaxPool2d((2, 2)),
            nn.AdaptiveMaxPool2d(1),
        ],
        lambda: [nn.Unflatten(1, (4, 2, 2)), nn.GroupNorm(1, 4, affine=False), nn.AdaptiveAvgPool2d((1, 1))],
    ],
)
def test_each_layer_is_read_and_proved(made):
    first = nn.Sequential(*made())
    width = first(torch.zeros(2, 16)).flatten(1).shape[1]
    discriminator = nn.Sequential(first, nn.Flatten(), nn.Linear(width, 1), nn.Sigmoid())
    found = read(generator=sine()[0], discriminator=discriminator, like="sine")
    assert len(found.spec.discriminator.layers) >= len(first) + 3


def test_branches_are_read_and_proved():
    discriminator = Residual()
    found = read(generator=sine()[0], discriminator=discriminator, like="sine")
    placed = [(each.name, each.sources) for each in found.spec.discriminator.placed if "." not in each.name]
    assert placed == [
        ("hidden", (-1,)),
        ("hidden_relu", (0,)),
        ("block1", (1, 5)),
        ("block3", (10, 6)),
        ("output", (11,)),
        ("output_sigmoid", (12,)),
    ]
    assert [each.name for each in found.spec.discriminator.placed][7:11] == [
        "block3.main.block2.main.left",
        "block3.main.block2.shortcut.gate",
        "block3.main.block2.shortcut.gate_sigmoid",
        "block3.main.block2",
    ]
    own = found.state["discriminator.block3.main.block2.shortcut.gate.weight"]
    assert np.array_equal(own, discriminator.gate.weight.detach().numpy())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: nn.Sequential(nn.Unflatten(1, (1, 4, 4)), nn.AvgPool2d(2, padding=1)),
            "discriminator.1 has padding=1",
        ),
        (lambda: nn.Sequential(nn.Unflatten(1, (1, 4, 4)), nn.AdaptiveAvgPool2d(2)), "has output_size=2"),
        (Skips, "discriminator, in forward: add_1 is no layer of a spec"),
        (Crosses, "discriminator.first is given to layers that come together in no one place"),
        (Forgets, "discriminator.first is no part of what the network gives"),
        (Shares, "discriminator.first is used twice"),
        (Branches, "discriminator cannot be traced"),
        (AsksMore, "discriminator is given x, classes"),
        (hooked, "discriminator.0 has hooks"),
        (lambda: nn.Sequential(nn.Linear(16, 1), nn.Softplus()), "discriminator.1 returns x itself above 20"),
        (lambda: nn.Sequential(nn.Linear(16, 4), nn.LayerNorm(4), nn.Linear(4, 1)), "discriminator.1 is a .*LayerNorm"),
        (
            lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(16, 1), dim=1)),
            "discriminator.0 has a spectral norm by dim=1",
        ),
        (
            lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(16, 1))),
            "discriminator.0 makes weight by _WeightNorm",
        ),
        (lambda: nn.Sequential(nn.utils.spectral_norm(nn.Linear(16, 1))), "discriminator.0 has hooks"),
        (
            lambda: nn.Sequential(nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 1, 2, dilation=(1, 2))),
            r"discriminator.1 has dilation=\(1, 2\)",
        ),
        (
            lambda: nn.Sequential(nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 1, 2, stride=(2, 1))),
            r"discriminator.1 has stride=\(2, 1\)",
        ),
        (lambda: nn.Sequential(nn.Linear(7, 1)), "discriminator raises RuntimeError on samples of shape"),
    ],
)
def test_what_a_spec_cannot_say_is_named_by_its_path(make, message):
    with pytest.raises(UnsupportedLayer, match=message):
        read(generator=sine()[0], discriminator=make(), like="sine")


def test_what_is_no_torch_module_or_does_not_fit_is_refused():
    generator, _ = sine()
    with pytest.raises(UsageError, match="discriminator is arrays, which say nothing"):
        read(generator=generator, discriminator={"weight": np.zeros((2, 2))}, like="sine")
    with pytest.raises(UsageError, match="does not fit wgan"):
        read(generator=generator, discriminator=nn.Sequential(nn.Flatten(), nn.Linear(784, 1)), like="wgan")


def test_what_was_read_wrongly_does_not_pass(monkeypatch):
    monkeypatch.setitem(layers.MODULES, nn.LeakyReLU, lambda *_: LeakyReLU(slope=0.1))
    like, make = PROGRAMS["eriklindernoren/PyTorch-GAN, wgan"]
    generator, discriminator = make()
    with pytest.raises(UnsupportedLayer, match="does not give what the reference does"):
        read(generator=generator, discriminator=discriminator, like=like)


def test_a_moving_average_is_taken_from_a_network_as_the_generator_is():
    plain = small_gan("sine")
    moved = MovingAverage(decay=0.9, start=1, warm_up="none", buffers="averaged")
    like = replace(plain, name="averaged", training=replace(plain.training, generator_average=moved))
    generator, discriminator = sine()
    average = copy.deepcopy(generator)
    with torch.no_grad():
        for parameter in average.parameters():
            parameter.mul_(0.5)
    given = {"generator": generator, "discriminator": discriminator}
    found = read(**given, like=like, generator_average=average)
    own = {name: found.state[f"generator{name.removeprefix('average.generator')}"] for name in averaged(found.spec)}
    assert len(own) == len(list(generator.parameters()))
    for name, array in own.items():
        np.testing.assert_array_equal(found.state[name], 0.5 * array)
        np.testing.assert_array_equal(read(**given, like=like).state[name], array)
    with pytest.raises(UsageError, match="has none; name one that has a moving average"):
        read(**given, like=plain, generator_average=average)
    with pytest.raises(UsageError, match="other layers than the generator"):
        read(**given, like=like, generator_average=nn.Sequential(nn.Linear(5, 16)))


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(2, 4, (3, 2), padding="same", dilation=2, groups=2),
        nn.Conv2d(2, 4, (2, 4), stride=2, padding=(1, 2)),
        nn.Conv2d(2, 4, 3, padding="valid", bias=False),
        nn.ConvTranspose2d(2, 4, (3, 2), stride=2, padding=(1, 0), output_padding=1, groups=2),
        nn.ConvTranspose2d(2, 4, 3, dilation=2),
    ],
)
def test_convolutions_of_every_form_are_read(module):
    found = layers._conv(module, "conv", (2, 7, 6))
    network = Network(input_shape=(2, 7, 6), layers=(found,))
    built = build_network(network, device="cpu", dtype=torch.float32)
    built.load_state_dict({f"conv.{name}": tensor for name, tensor in module.state_dict().items()})
    images = torch.randn(3, 2, 7, 6)
    assert torch.equal(built(images, {}), module(images))
    assert tuple(module(images).shape[1:]) == network.output_shape


def test_networks_of_other_shapes_are_named_without_torch_s_own_traceback(capfd):
    generator = forms.ConditionalRows(multiplies=False)
    with pytest.raises(UnsupportedLayer, match=r"on samples of shape \(5,\): mat1 and mat2 .*; name a GAN to be like"):
        read(generator=generator, discriminator=sine()[1], like="sine")
    assert capfd.readouterr().err == ""


def test_numbers_that_are_no_classes_are_not_embedded():
    class Embeds(nn.Module):
        def __init__(self):
            super().__init__()
            self.own, self.net = nn.Embedding(10, 4), nn.Linear(20, 1)

        def forward(self, x):
            return self.net(self.own(x.long()).flatten(1))

    with pytest.raises(UnsupportedLayer, match="discriminator"):
        read(generator=sine()[0], discriminator=Embeds(), like="sine")
