"""Initial values that frameworks give by default: their spread, and that they survive a TOML file."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import ZEROS, Conv2d, ConvTranspose2d, GlorotUniform, Initializer, Linear, Network, Uniform
from gan_rosetta.shared.spec.toml_file import spec_from_toml, spec_to_toml
from gan_rosetta.shared.state.initial import initial_tensor
from gan_rosetta.shared.state.schema import TensorSpec


def tensor(layer: Linear | Conv2d | ConvTranspose2d, name: str = "weight") -> TensorSpec:
    parameter = layer.parameters()[name]
    return TensorSpec(
        name=f"generator.{layer.name}.{name}",
        shape=parameter.shape,
        role="parameter",
        network="generator",
        layer=layer.name,
        tensor=f"generator.{layer.name}.{name}",
        initializer=parameter.initializer,
        fan_in=parameter.fan_in,
    )


def linear(initializer: Initializer, bias: Initializer = ZEROS) -> Linear:
    return Linear(name="hidden", in_features=30, out_features=50, weight_init=initializer, bias_init=bias)


def assert_uniform(values: np.ndarray, bound: float) -> None:
    assert np.abs(values).max() <= bound
    assert stats.kstest(values.ravel(), stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.01


def test_uniform_has_its_bound_whatever_the_shape():
    assert_uniform(initial_tensor(tensor(linear(Uniform(bound=0.07))), seed=1), 0.07)


def test_glorot_of_a_linear_layer_counts_both_ends():
    assert_uniform(initial_tensor(tensor(linear(GlorotUniform())), seed=1), math.sqrt(6 / (30 + 50)))


@pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])
def test_glorot_of_a_convolution_counts_both_ends_and_the_kernel(kind):
    layer = kind(
        name="conv",
        in_channels=8,
        out_channels=12,
        kernel_size=3,
        stride=1,
        padding=0,
        weight_init=GlorotUniform(),
        bias_init=None,
    )
    assert_uniform(initial_tensor(tensor(layer), seed=1), math.sqrt(6 / ((8 + 12) * 9)))


def test_glorot_of_a_vector_counts_its_length_twice():
    wide = replace(linear(ZEROS, GlorotUniform()), out_features=4000)
    assert_uniform(initial_tensor(tensor(wide, "bias"), seed=1), math.sqrt(6 / 8000))


@pytest.mark.parametrize("bound", [0.0, -0.07, math.inf, math.nan])
def test_a_bound_is_positive_and_finite(bound):
    with pytest.raises(SpecError, match="Uniform: bound is"):
        Uniform(bound=bound)


def test_they_survive_a_file():
    spec = find_gan("linear-2d")
    weights: tuple[Initializer, ...] = (Uniform(bound=0.07), GlorotUniform(), Uniform(bound=1.5))
    layers = [layer for layer in spec.discriminator.layers if isinstance(layer, Linear)]
    named = {layer.name: replace(layer, weight_init=w) for layer, w in zip(layers, weights, strict=True)}
    changed = tuple(named.get(getattr(layer, "name", ""), layer) for layer in spec.discriminator.layers)
    spec = replace(spec, name="mine", discriminator=Network(input_shape=(2,), layers=changed))
    assert spec_from_toml(spec_to_toml(spec), where="mine.toml") == spec
