"""What makes images larger or smaller, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np

from gan_rosetta.shared.spec import GlobalPool, PixelShuffle, Pool2d, Upsample
from tests.unit.backends.numpy_layers import network_of


def test_upsampling_repeats_pixels_or_interpolates_between_their_centres():
    x = np.array([[[[1.0, 3.0], [5.0, 9.0]]]])
    nearest = [[1, 1, 3, 3], [1, 1, 3, 3], [5, 5, 9, 9], [5, 5, 9, 9]]
    # Each row between its two pixels a quarter and three quarters of the way, the ends beyond both held.
    bilinear = [[1, 1.5, 2.5, 3], [2, 2.625, 3.875, 4.5], [4, 4.875, 6.625, 7.5], [5, 6, 8, 9]]
    for mode, expected in (("nearest", nearest), ("bilinear", bilinear)):
        network, _ = network_of(Upsample(factor=2, mode=mode), (1, 2, 2))
        np.testing.assert_array_equal(network.infer(x)[0, 0], expected)


def test_pooling_takes_each_window_s_mean_or_its_largest():
    x = np.array([[[[1.0, 3.0, 0.0], [5.0, 9.0, 2.0], [4.0, 4.0, -8.0]]]])
    for mode, windows, whole in (("average", [[4.5, 3.5], [5.5, 1.75]], 20 / 9), ("maximum", [[9, 9], [9, 9]], 9.0)):
        network, _ = network_of(Pool2d(kernel_size=2, stride=1, mode=mode), (1, 3, 3))
        np.testing.assert_array_equal(network.infer(x)[0, 0], windows)
        network, _ = network_of(GlobalPool(mode=mode), (1, 3, 3))
        np.testing.assert_allclose(network.infer(x)[0], [whole], rtol=1e-15)
    network, _ = network_of(GlobalPool(mode="sum"), (1, 3, 3))
    assert network.infer(x).tolist() == [[20.0]]


def test_the_gradient_of_a_maximum_goes_to_the_first_of_equals():
    network, _ = network_of(Pool2d(kernel_size=2, stride=1, mode="maximum"), (1, 2, 3))
    x = np.array([[[[0.0, 7.0, 7.0], [7.0, 7.0, 0.0]]]])
    y, caches = network.forward(x)
    gradient = network.backward(np.array([[[[1.0, 10.0]]]]), caches, into=None, wants_input=True)
    assert (y.tolist(), gradient.tolist()) == ([[[[7.0, 7.0]]]], [[[[0.0, 11.0, 0.0], [0.0, 0.0, 0.0]]]])


def test_a_pixel_shuffle_counts_channels_in_a_row_or_far_apart():
    x = np.arange(8.0).reshape(1, 8, 1, 1)
    for order, expected in (("channel", [[0, 1], [2, 3]]), ("pixel", [[0, 2], [4, 6]])):
        network, _ = network_of(PixelShuffle(factor=2, order=order), (8, 1, 1))
        np.testing.assert_array_equal(network.infer(x)[0, 0], expected)
