"""Branches: how layers inside are named, placed, found and changed, and what is told where ends do not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.gans import MADE_UP
from gan_rosetta.shared.spec import (
    NETWORK_INPUT,
    Branch,
    Branches,
    Conv2d,
    GanSpec,
    Layer,
    Linear,
    Network,
    ReLU,
    Softmax,
    Tanh,
    UniformFanIn,
)
from gan_rosetta.shared.spec.cost import first_layer_flops, forward_flops
from gan_rosetta.shared.spec.toml_file import spec_from_toml, spec_to_toml
from gan_rosetta.shared.state import state_schema


def linear(name: str, in_features: int, out_features: int) -> Linear:
    start = UniformFanIn()
    return Linear(name=name, in_features=in_features, out_features=out_features, weight_init=start, bias_init=start)


def block(join: str, *branches: tuple[Layer, ...], name: str = "block1") -> Branches:
    named = tuple(Branch(name=f"way{index}", layers=layers) for index, layers in enumerate(branches))
    return Branches(name=name, join=join, branches=named)


RESIDUAL = Network(
    input_shape=(3,),
    layers=(
        block("add", (ReLU(), linear("linear1", 3, 4), Tanh(), linear("linear2", 4, 3)), ()),
        Tanh(),
        linear("output", 3, 1),
    ),
)


def test_layers_inside_are_placed_by_block_branch_and_name():
    assert [(placed.name, placed.sources) for placed in RESIDUAL.placed] == [
        ("block1.way0.input_relu", (NETWORK_INPUT,)),
        ("block1.way0.linear1", (0,)),
        ("block1.way0.linear1_tanh", (1,)),
        ("block1.way0.linear2", (2,)),
        ("block1", (3, NETWORK_INPUT)),
        ("block1_tanh", (4,)),
        ("output", (5,)),
    ]
    assert RESIDUAL.placed[3].path == ("layers", 0, "branches", 0, "layers", 3)
    assert [layer for layer in RESIDUAL.all_layers if isinstance(layer, Linear)] == [
        linear("linear1", 3, 4), linear("linear2", 4, 3), linear("output", 3, 1)
    ]  # fmt: skip


def test_blocks_in_blocks_and_names_that_are_the_same_in_two_branches():
    inner = block("multiply", (linear("linear1", 3, 2),), (linear("linear1", 3, 2), Tanh()), name="gate")
    network = Network(input_shape=(3,), layers=(block("concatenate", (inner,), (linear("linear1", 3, 5),), ()),))
    assert [placed.name for placed in network.placed] == [
        "block1.way0.gate.way0.linear1",
        "block1.way0.gate.way1.linear1",
        "block1.way0.gate.way1.linear1_tanh",
        "block1.way0.gate",
        "block1.way1.linear1",
        "block1",
    ]
    assert network.placed[-1].sources == (3, 4, NETWORK_INPUT)
    assert network.output_shape == (2 + 5 + 3,)


def test_tensors_have_the_names_of_their_layers():
    names = [name for name in state_schema(MADE_UP["smooth-2d"]) if ".block1." in name and "optimizer" not in name]
    assert names == [
        f"discriminator.block1.main.hidden{number}.{part}" for number in (4, 5) for part in ("weight", "bias")
    ]
    assert "optimizer.discriminator.block1.main.hidden4.weight.m" in state_schema(MADE_UP["smooth-2d"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: block("add", (linear("a", 3, 4),), ()), r"ends of different shapes: 'way0' ends in \(4,\), 'way1' in"),
        (lambda: block("multiply", (linear("a", 3, 4),), ()), "multiplies ends of different shapes"),
        (lambda: block("add", (linear("a", 4, 3),), ()), "takes in_features=4, but its input has shape"),
        (lambda: block("add", (), ()), "has no layer in any branch; expected one at least"),
        (lambda: block("sum", (Tanh(),), ()), "join is 'sum'; expected one of 'add', 'concatenate', 'multiply'"),
        (lambda: block("add", (Tanh(),), (), name="Block"), "layer name 'Block'"),
        (lambda: Branch(name="a.b"), "branch name 'a.b'"),
        (lambda: Branches(name="a", join="add", branches=(Branch(name="b", layers=(Tanh(),)),) * 2), "are named 'b'"),
    ],
)
def test_what_does_not_fit_is_told(wrong, message):
    with pytest.raises(SpecError, match=message):
        Network(input_shape=(3,), layers=(wrong(),))


def test_images_are_put_together_by_channels_of_one_size():
    def conv(name: str, kernel: int) -> Conv2d:
        start = UniformFanIn()
        return Conv2d(
            name=name,
            in_channels=2,
            out_channels=5,
            kernel_size=kernel,
            stride=1,
            padding=0,
            weight_init=start,
            bias_init=None,
        )

    joined = block("concatenate", (conv("a", 1),), ())
    assert joined.output_shape((2, 4, 6)) == (7, 4, 6)
    with pytest.raises(SpecError, match=r"joins ends of different shapes: .* the same but for the first number"):
        block("concatenate", (conv("a", 3),), ()).output_shape((2, 4, 6))


@pytest.mark.parametrize("name", ["smooth-2d", "grouped-digits"])
def test_toml_is_read_as_it_was_written(name):
    spec = MADE_UP[name]
    text = spec_to_toml(spec)
    assert spec_from_toml(text, where="mine.toml") == spec
    assert "[[discriminator.layers.branches.layers]]" in text


def test_a_mistake_inside_is_told_with_its_line():
    text = spec_to_toml(MADE_UP["smooth-2d"])
    start = text.index('name = "hidden5"')
    wrong = text[:start] + text[start:].replace("in_features = 6", "in_features = 7", 1)
    header = wrong.rindex("[[discriminator.layers.branches.layers]]", 0, start)
    line = wrong[:header].count("\n") + 1
    with pytest.raises(SpecError, match=f"mine.toml, line {line}: Linear 'hidden5' takes in_features=7"):
        spec_from_toml(wrong, where="mine.toml")


def test_layers_inside_are_changed_where_they_are():
    changed = RESIDUAL.replaced(2, ReLU())
    assert [placed.name for placed in changed.placed][2] == "block1.way0.linear1_relu"
    assert RESIDUAL.mapped(lambda layer: ReLU() if isinstance(layer, Tanh) else layer).all_layers.count(ReLU()) == 3
    assert len(RESIDUAL.layers_with(0)) == 3
    assert len(RESIDUAL.replaced(0).placed) == len(RESIDUAL.placed) - 1


def test_cost_counts_what_is_inside_and_every_branch_s_first_layer():
    assert forward_flops(RESIDUAL) == 2 * (3 * 4 + 4 * 3 + 3)
    assert first_layer_flops(RESIDUAL) == 2 * 3 * 4
    two = Network(input_shape=(3,), layers=(block("add", (linear("a", 3, 2),), (linear("a", 3, 2),)),))
    assert first_layer_flops(two) == forward_flops(two) == 2 * 2 * 3 * 2


def test_a_penalty_is_refused_with_the_layer_inside():
    spec: GanSpec = MADE_UP["smooth-2d"]
    norm = MADE_UP["boundary-2d"].generator.all_layers[1]  # a BatchNorm, by running statistics
    place = next(i for i, placed in enumerate(spec.discriminator.placed) if placed.name == "block1.main.hidden4_gelu")
    path = ("discriminator", *spec.discriminator.placed[place].path)
    for layer, message, end in (
        (Softmax(axis=0), "a gradient penalty needs .* it has a Softmax", ()),
        (norm, "a gradient penalty needs BatchNorms by the batch's own statistics", ("statistics",)),
        (replace(norm, statistics="batch"), "at 'both' takes the real and the fake samples in one pass", ()),
    ):
        with pytest.raises(SpecError, match=message) as refused:
            replace(spec, discriminator=spec.discriminator.replaced(place, layer))
        assert refused.value.path == (*path, *end)
