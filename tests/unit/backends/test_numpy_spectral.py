"""Spectral normalisation against its definition written out, and its derivative against central differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.backends.numpy.layers import build_network
from gan_rosetta.shared.spec import ZEROS, Conv2d, ConvTranspose2d, Linear, Network, SpectralNorm

_NORM = SpectralNorm(num_iterations=1, first="v", epsilon=0.1, epsilon_placement="outside", sigma_gradient="followed")
_NORMS = {
    "v first": _NORM,
    "u first": replace(_NORM, first="u"),
    "twice": replace(_NORM, num_iterations=2),
    "floor": replace(_NORM, epsilon_placement="floor", epsilon=2.0),
    "inside": replace(_NORM, epsilon_placement="inside"),
    "constant": replace(_NORM, sigma_gradient="constant"),
}
_IMAGES = {"kernel_size": 2, "stride": 1, "padding": 0}
_SHAPES = {"linear": (3,), "conv": (3, 3, 2), "transpose": (3, 2, 2)}


def _layer(kind, norm):
    starts = {"weight_init": ZEROS, "bias_init": ZEROS, "spectral_norm": norm}
    if kind == "linear":
        return Linear(name="one", in_features=3, out_features=4, **starts)
    made = Conv2d if kind == "conv" else ConvTranspose2d
    return made(name="one", in_channels=3, out_channels=4, **_IMAGES, **starts)


def _network(kind, norm, *, dtype="float64"):
    network = build_network(
        Network(input_shape=_SHAPES[kind], layers=(_layer(kind, norm),)), name="generator", dtype=dtype
    )
    generator = np.random.default_rng(3)
    network.parameters.flat[...] = generator.standard_normal(network.parameters.flat.size)
    network.buffers.flat[...] = generator.standard_normal(network.buffers.flat.size)
    return network, generator.standard_normal((5, *_SHAPES[kind])).astype(dtype)


def _matrix(kind, weight):
    return (weight.swapaxes(0, 1) if kind == "transpose" else weight).reshape(4, -1)


def _expected(norm, matrix, u, v):
    """u, v and σ by the words of the spec, entry by entry."""

    def unit(vector):
        length = sum(entry**2 for entry in vector)
        if norm.epsilon_placement == "inside":
            return vector / (length + norm.epsilon) ** 0.5
        length **= 0.5
        return vector / (length + norm.epsilon if norm.epsilon_placement == "outside" else max(length, norm.epsilon))

    for _ in range(norm.num_iterations):
        if norm.first == "v":
            v = unit(np.array([sum(row * own for row, own in zip(column, u, strict=True)) for column in matrix.T]))
            u = unit(np.array([sum(entry * own for entry, own in zip(row, v, strict=True)) for row in matrix]))
        else:
            u = unit(np.array([sum(entry * own for entry, own in zip(row, v, strict=True)) for row in matrix]))
            v = unit(np.array([sum(row * own for row, own in zip(column, u, strict=True)) for column in matrix.T]))
    return u, v, sum(u[i] * matrix[i, j] * v[j] for i in range(len(u)) for j in range(len(v)))


@pytest.mark.parametrize("norm", _NORMS.values(), ids=_NORMS)
@pytest.mark.parametrize("kind", list(_SHAPES))
def test_a_pass_uses_the_weight_divided_by_sigma_and_keeps_its_vectors(kind, norm):
    network, x = _network(kind, norm)
    tensors, buffers = network.parameters.by_layer[0], network.buffers.by_layer[0]
    u, v, sigma = _expected(norm, _matrix(kind, tensors["weight"]), buffers["weight_u"], buffers["weight_v"])
    plain, _ = _network(kind, None)
    plain.parameters.by_layer[0]["weight"][...] = tensors["weight"] / sigma
    plain.parameters.by_layer[0]["bias"][...] = tensors["bias"]
    expected, _ = plain.forward(x)
    kept = network.buffers.flat.copy()
    np.testing.assert_allclose(network.infer(x), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(network.buffers.flat, kept)
    np.testing.assert_allclose(network.forward(x)[0], expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(buffers["weight_u"], u, rtol=1e-12)
    np.testing.assert_allclose(buffers["weight_v"], v, rtol=1e-12)


@pytest.mark.parametrize("norm", [_NORM, _NORMS["constant"]], ids=["followed", "constant"])
@pytest.mark.parametrize("kind", list(_SHAPES))
def test_the_gradient_is_the_derivative_with_the_pass_s_own_vectors_held(kind, norm):
    network, x = _network(kind, norm)
    tensors, buffers = network.parameters.by_layer[0], network.buffers.by_layer[0]
    weight = tensors["weight"].copy()
    u, v, sigma = _expected(norm, _matrix(kind, weight), buffers["weight_u"], buffers["weight_v"])
    y, caches = network.forward(x)
    # Another pass in between, which moves the buffers, is nothing to the first one's gradient.
    network.forward(x)
    coefficients = np.random.default_rng(1).standard_normal(y.shape)
    network.backward(coefficients.copy(), caches, into=network.gradients, wants_input=False)
    plain, _ = _network(kind, None)
    plain.parameters.by_layer[0]["bias"][...] = tensors["bias"]

    def objective(moved):
        divisor = sigma if norm.sigma_gradient == "constant" else u @ _matrix(kind, moved) @ v
        plain.parameters.by_layer[0]["weight"][...] = moved / divisor
        return float(np.sum(coefficients * plain.forward(x)[0]))

    for index in np.ndindex(weight.shape):
        step = np.zeros_like(weight)
        step[index] = 1e-6
        slope = (objective(weight + step) - objective(weight - step)) / 2e-6
        np.testing.assert_allclose(network.gradients.by_layer[0]["weight"][index], slope, rtol=1e-6, atol=1e-7)


def test_single_precision_stays_single():
    network, x = _network("conv", _NORMS["inside"], dtype="float32")
    y, caches = network.forward(x)
    assert y.dtype == np.float32
    gradient = network.backward(np.ones_like(y), caches, into=network.gradients, wants_input=True)
    assert gradient.dtype == np.float32
