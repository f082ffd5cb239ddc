"""Convolutions against their definition written as loops."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy import convolution
from gan_rosetta.backends.numpy.layers import Conv2d
from tests.unit.backends.numpy_layers import CASES, network_of


def _correlate_by_loops(x, weight, layer):
    x = np.pad(x, ((0, 0), (0, 0), *layer.margins))
    height, width = ((size - reach) // layer.stride + 1 for size, reach in zip(x.shape[2:], layer.reach, strict=True))
    y = np.zeros((len(x), weight.shape[0], height, width))
    of_group = weight.shape[0] // layer.groups
    for out, row, column in np.ndindex(*y.shape[1:]):
        first = out // of_group * weight.shape[1]
        for channel, down, right in np.ndindex(*weight.shape[1:]):
            place = row * layer.stride + down * layer.dilation, column * layer.stride + right * layer.dilation
            y[:, out, row, column] += weight[out, channel, down, right] * x[:, first + channel, *place]
    return y


@pytest.mark.parametrize("case", ["conv", "conv-strided", "conv-leftover", "conv-sides", "conv-groups"])
def test_convolution_is_the_sum_over_windows(case):
    layer, input_shape = CASES[case]
    network, x = network_of(layer, input_shape)
    tensors = network.parameters.by_layer[0]
    expected = _correlate_by_loops(x, tensors["weight"], layer)
    if "bias" in tensors:
        expected += tensors["bias"].reshape(1, -1, 1, 1)
    np.testing.assert_allclose(network.infer(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "case",
    [
        "transpose",
        "transpose-strided",
        "transpose-gaps",
        "transpose-sides",
        "transpose-more",
        "transpose-groups",
    ],
)
def test_transposed_convolution_stamps_its_kernel(case):
    layer, input_shape = CASES[case]
    network, x = network_of(layer, input_shape)
    tensors, stride = network.parameters.by_layer[0], layer.stride
    weight = tensors["weight"]
    sizes = zip(input_shape[1:], layer.reach, strict=True)
    height, width = ((size - 1) * stride + reach + layer.output_padding for size, reach in sizes)
    whole = np.zeros((len(x), layer.out_channels, height, width))
    for channel, row, column in np.ndindex(*input_shape):
        first = channel // (layer.in_channels // layer.groups) * weight.shape[1]
        for out, down, right in np.ndindex(*weight.shape[1:]):
            place = row * stride + down * layer.dilation, column * stride + right * layer.dilation
            whole[:, first + out, *place] += weight[channel, out, down, right] * x[:, channel, row, column]
    (top, bottom), (left, right) = layer.margins
    expected = whole[:, :, top : height - bottom, left : width - right]
    if "bias" in tensors:
        expected = expected + tensors["bias"].reshape(1, -1, 1, 1)
    np.testing.assert_allclose(network.infer(x), expected, rtol=1e-12, atol=1e-12)


def test_convolution_in_blocks_equals_the_whole(monkeypatch):
    network, x = network_of(*CASES["conv"])
    y, caches = network.forward(x)
    gradient_x = network.backward(np.ones_like(y), caches, into=network.gradients, wants_input=True)
    gradients = network.gradients.flat.copy()
    monkeypatch.setattr(convolution, "_COLUMNS_BYTES", 2 * 18 * 12 * 8)
    blocks = list(Conv2d(CASES["conv"][0], (2, 5, 6))._windows.blocks(5, 8))
    assert [samples.stop for samples in blocks] == [2, 4, 5]
    y_blocks, caches = network.forward(x)
    gradient_x_blocks = network.backward(np.ones_like(y), caches, into=network.gradients, wants_input=True)
    np.testing.assert_allclose(y_blocks, y, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(gradient_x_blocks, gradient_x, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(network.gradients.flat, gradients, rtol=1e-13, atol=1e-13)
