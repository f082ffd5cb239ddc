"""Layers and networks: the shapes they give, and the descriptions they refuse."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.spec import (
    ZEROS,
    BatchNorm,
    Constant,
    Conv2d,
    ConvTranspose2d,
    LeakyReLU,
    Linear,
    MinibatchDiscrimination,
    Network,
    Normal,
    PReLU,
    ReLU,
    Reshape,
    Tanh,
    UniformFanIn,
    same_sides,
)

LINEAR = Linear(name="hidden", in_features=3, out_features=5, weight_init=UniformFanIn(), bias_init=ZEROS)
CONV = Conv2d(
    name="down",
    in_channels=2,
    out_channels=4,
    kernel_size=3,
    stride=2,
    padding=1,
    weight_init=UniformFanIn(),
    bias_init=None,
)
UP = ConvTranspose2d(
    name="up",
    in_channels=2,
    out_channels=4,
    kernel_size=3,
    stride=2,
    padding=1,
    weight_init=UniformFanIn(),
    bias_init=ZEROS,
)
NORM = BatchNorm(
    name="norm", num_features=4, epsilon=1e-5, momentum=0.1, running_variance="unbiased", statistics="batch"
)
MINIBATCH = MinibatchDiscrimination(
    name="minibatch",
    in_features=8,
    num_kernels=5,
    kernel_dims=3,
    self_distance=True,
    weight_init=UniformFanIn(),
    bias_init=ZEROS,
)


SLOPES = PReLU(name="slopes", num_parameters=3, weight_init=Constant(value=0.25))


def network(*layers, shape) -> Network:
    return Network(input_shape=shape, layers=layers)


@pytest.mark.parametrize(
    ("layer", "before", "after"),
    [
        (LINEAR, (3,), (5,)),
        (CONV, (2, 7, 8), (4, 4, 4)),
        (CONV, (2, 1, 1), (4, 1, 1)),
        (UP, (2, 4, 3), (4, 7, 5)),
        (NORM, (4,), (4,)),
        (NORM, (4, 3, 2), (4, 3, 2)),
        (MINIBATCH, (8,), (13,)),
        (Tanh(), (2, 3, 4), (2, 3, 4)),
        (Reshape(shape=(2, 3)), (6,), (2, 3)),
        (SLOPES, (3, 5, 5), (3, 5, 5)),
        (replace(SLOPES, num_parameters=1), (4, 5, 5), (4, 5, 5)),
    ],
)
def test_output_shapes(layer, before, after):
    assert layer.output_shape(before) == after


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (LINEAR, (4,), "in_features=3, but its input has shape (4,)"),
        (LINEAR, (3, 1), "(3, 1)"),
        (CONV, (3, 7, 7), "in_channels=2"),
        (CONV, (2, 7), "(2, 7)"),
        (replace(CONV, padding=0), (2, 2, 5), "kernel 3 is larger than its padded input 2"),
        (UP, (4, 7, 7), "in_channels=2"),
        (replace(CONV, padding=0, dilation=2), (2, 4, 5), "kernel 5 is larger than its padded input 4"),
        (replace(UP, padding=0, sides=(2, 1, 0, 0)), (2, 1, 1), "padding (2, 1) leaves no output of input 1"),
        (replace(UP, padding=2), (2, 1, 1), "padding 2 leaves no output of input 1"),
        (NORM, (5,), "num_features=4"),
        (NORM, (4, 2), "(4, 2)"),
        (MINIBATCH, (7,), "in_features=8"),
        (
            SLOPES,
            (4, 3, 3),
            "its input has shape (4, 3, 3); expected 1, one slope for all, or 4",
        ),
        (Reshape(shape=(2, 3)), (7,), "cannot give shape (2, 3) to a sample of shape (7,)"),
    ],
)
def test_inputs_that_do_not_fit(layer, shape, words):
    with pytest.raises(SpecError, match=re.escape(words)):
        layer.output_shape(shape)
    with pytest.raises(SpecError, match=re.escape(words)):
        network(layer, shape=shape)


@pytest.mark.parametrize(
    ("layer", "changes", "words"),
    [
        (LINEAR, {"in_features": 0}, "Linear 'hidden': in_features is 0; expected an integer of at least 1"),
        (LINEAR, {"out_features": 2.5}, "out_features is 2.5"),
        (LINEAR, {"out_features": True}, "out_features is True"),
        (CONV, {"kernel_size": 0}, "Conv2d 'down': kernel_size is 0"),
        (CONV, {"stride": -1}, "stride is -1"),
        (CONV, {"padding": -1}, "padding is -1"),
        (UP, {"out_channels": "4"}, "ConvTranspose2d 'up': out_channels is '4'"),
        (NORM, {"num_features": 0}, "num_features is 0"),
        (NORM, {"epsilon": 0.0}, "epsilon is 0.0; expected a finite number greater than 0"),
        (NORM, {"momentum": 1.5}, "momentum is 1.5; expected 0 to 1"),
        (NORM, {"momentum": float("nan")}, "momentum is nan"),
        (NORM, {"running_variance": "none"}, "running_variance is 'none'; expected one of 'unbiased', 'biased'"),
        (NORM, {"statistics": "moving"}, "statistics is 'moving'; expected one of 'batch', 'running'"),
        (MINIBATCH, {"kernel_dims": 0}, "kernel_dims is 0"),
        (LeakyReLU(slope=0.2), {"slope": -0.1}, "slope is -0.1"),
        (SLOPES, {"num_parameters": 0}, "PReLU 'slopes': num_parameters is 0"),
        (LeakyReLU(slope=0.2), {"slope": float("inf")}, "slope is inf"),
        (Reshape(shape=(2,)), {"shape": ()}, "shape is ()"),
        (Reshape(shape=(2,)), {"shape": (2, -1)}, "shape is (2, -1)"),
        (Normal(standard_deviation=1.0), {"standard_deviation": 0}, "standard_deviation is 0"),
        (Constant(value=1.0), {"value": float("nan")}, "value is nan"),
    ],
)
def test_fields_that_make_no_sense(layer, changes, words):
    with pytest.raises(SpecError, match=re.escape(words)):
        replace(layer, **changes)


def test_parameters_and_their_fan_in():
    assert {name: (p.shape, p.fan_in) for name, p in LINEAR.parameters().items()} == {
        "weight": ((5, 3), 3),
        "bias": ((5,), 3),
    }
    assert {name: (p.shape, p.fan_in) for name, p in CONV.parameters().items()} == {"weight": ((4, 2, 3, 3), 18)}
    assert {name: (p.shape, p.fan_in) for name, p in UP.parameters().items()} == {
        "weight": ((2, 4, 3, 3), 36),
        "bias": ((4,), 36),
    }
    assert {name: p.shape for name, p in MINIBATCH.parameters().items()} == {"weight": (15, 8), "bias": (15,)}
    assert {name: p.initializer.value for name, p in NORM.parameters().items()} == {"weight": 1, "bias": 0}
    assert {name: p.initializer.value for name, p in NORM.buffers().items()} == {"running_mean": 0, "running_var": 1}
    assert (ReLU().parameters(), CONV.buffers()) == ({}, {})


def test_a_network_places_its_layers():
    built = network(Reshape(shape=(3,)), LINEAR, Tanh(), replace(LINEAR, name="output", in_features=5), shape=(3, 1, 1))
    assert [(p.name, p.input_shape, p.output_shape) for p in built.placed] == [
        ("input_reshape", (3, 1, 1), (3,)),
        ("hidden", (3,), (5,)),
        ("hidden_tanh", (5,), (5,)),
        ("output", (5,), (5,)),
    ]
    assert built.output_shape == (5,)
    assert not built.has_batch_norm
    assert network(NORM, shape=(4,)).has_batch_norm


def test_a_network_needs_layers_of_different_names():
    with pytest.raises(SpecError, match="at least one layer"):
        network(shape=(3,))
    square = replace(LINEAR, out_features=3)
    with pytest.raises(SpecError, match="two layers are named 'hidden'"):
        network(square, square, shape=(3,))


def test_layers_without_names_are_numbered_where_one_is_taken():
    square = replace(LINEAR, out_features=3)
    built = network(square, Tanh(), Tanh(), Tanh(), shape=(3,))
    assert [placed.name for placed in built.placed] == ["hidden", "hidden_tanh", "hidden_tanh2", "hidden_tanh3"]


@pytest.mark.parametrize("name", ["", "Hidden", "1st", "with.dot", "with_line", "tail\n"])
def test_layer_names_are_lower_case_words(name):
    with pytest.raises(SpecError, match="layer name"):
        network(replace(LINEAR, name=name), shape=(3,))


@pytest.mark.parametrize(
    ("layer", "before", "after"),
    [
        (replace(CONV, kernel_width=5), (2, 7, 7), (4, 4, 3)),
        (replace(CONV, padding=0, sides=(0, 1, 0, 1)), (2, 8, 8), (4, 4, 4)),
        (replace(CONV, dilation=2), (2, 8, 8), (4, 3, 3)),
        (replace(UP, output_padding=1), (2, 4, 4), (4, 8, 8)),
        (replace(UP, kernel_width=4, padding=0, sides=(0, 1, 2, 0), dilation=3), (2, 4, 4), (4, 12, 14)),
    ],
)
def test_output_shapes_of_convolutions_of_every_form(layer, before, after):
    assert layer.output_shape(before) == after


def test_the_kernels_of_groups():
    assert replace(CONV, groups=2, kernel_width=5).parameters()["weight"].shape == (4, 1, 3, 5)
    assert replace(UP, groups=2).parameters()["weight"].shape == (2, 2, 3, 3)
    assert replace(CONV, groups=2).parameters()["weight"].fan_in == 9


@pytest.mark.parametrize(
    ("layer", "change", "words"),
    [
        (CONV, {"kernel_width": 3}, "Conv2d 'down': kernel_width is kernel_size; leave it out"),
        (CONV, {"kernel_width": 0}, "kernel_width is 0"),
        (CONV, {"sides": (0, 1, 0)}, "sides is (0, 1, 0); expected four integers of at least 0"),
        (CONV, {"sides": (0, 1, 0, 1.0)}, "expected four integers"),
        (CONV, {"sides": (0, -1, 0, 1)}, "expected four integers"),
        (CONV, {"sides": (0, 1, 0, 1)}, "padding is 1 beside sides; expected 0"),
        (replace(CONV, padding=0), {"sides": (1, 1, 1, 1)}, "sides are alike; say padding"),
        (CONV, {"groups": 3}, "groups is 3, which does not divide in_channels=2"),
        (CONV, {"dilation": 0}, "dilation is 0"),
        (UP, {"output_padding": 2}, "ConvTranspose2d 'up': output_padding is 2; expected less than the stride, 2"),
        (UP, {"output_padding": -1}, "output_padding is -1"),
    ],
)
def test_forms_that_a_convolution_refuses(layer, change, words):
    with pytest.raises(SpecError, match=re.escape(words)):
        replace(layer, **change)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "sides"),
    [
        ((28, 28), (5, 5), 2, 1, (1, 2, 1, 2)),
        ((7, 8), (4, 4), 2, 1, (1, 2, 1, 1)),
        ((6, 6), (3, 3), 1, 2, (2, 2, 2, 2)),
        ((4, 9), (1, 2), 3, 1, (0, 0, 0, 0)),
    ],
)
def test_the_sides_of_same(size, kernel, stride, dilation, sides):
    assert same_sides(size, kernel=kernel, stride=stride, dilation=dilation) == sides
