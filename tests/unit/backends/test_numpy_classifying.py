"""Layers that are fed classes or codes against their definitions, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.spec import ZEROS, ClassContrast, ClassCrossEntropy, ClassEmbedding, CodeError, SpectralNorm
from tests.unit.backends.numpy_layers import branches, network_of


def test_a_class_s_row_alone_takes_nothing_of_the_input_and_may_be_of_a_divided_table():
    norm = SpectralNorm(
        num_iterations=1, first="v", epsilon=1e-12, epsilon_placement="floor", sigma_gradient="followed"
    )
    row = ClassEmbedding(
        name="row", num_classes=4, num_features=3, joined="alone", weight_init=ZEROS, spectral_norm=norm
    )
    network, x = network_of(branches("dot", (), (row,)), (3,))
    classes = np.array([2.0, 0.0, 2.0, 3.0, 1.0])
    own = {name.split(".")[-1]: tensor for name, tensor in network.by_name(network.buffers).items()}
    weight = next(iter(network.by_name(network.parameters).values()))
    v = weight.T @ own["weight_u"]
    v /= np.linalg.norm(v)
    sigma = np.linalg.norm(weight @ v)
    y, caches = network.forward(x, fed={"block.way1.row": classes})
    rows = weight[classes.astype(int)] / sigma
    np.testing.assert_allclose(y[:, 0], np.sum(rows * x, axis=1), rtol=1e-14)
    gradient = network.backward(np.ones_like(y), caches, into=network.gradients, wants_input=True)
    np.testing.assert_allclose(gradient, rows, rtol=1e-14)


@pytest.mark.parametrize("joined", ["before", "after"])
def test_a_class_s_row_is_joined_and_gets_its_samples_gradients(joined):
    layer = ClassEmbedding(name="class", num_classes=4, num_features=2, joined=joined, weight_init=ZEROS)
    network, x = network_of(layer, (3,))
    classes = np.array([2.0, 0.0, 2.0, 3.0, 2.0])
    weight = network.parameters.by_layer[0]["weight"]
    y, caches = network.forward(x, fed={"class": classes})
    rows = [weight[int(one)] for one in classes]
    np.testing.assert_array_equal(y, np.hstack([rows, x] if joined == "before" else [x, rows]))
    upstream = np.random.default_rng(4).standard_normal(y.shape)
    gradient = network.backward(upstream.copy(), caches, into=network.gradients, wants_input=True)
    of_rows, of_x = (upstream[:, :2], upstream[:, 2:]) if joined == "before" else (upstream[:, 3:], upstream[:, :3])
    np.testing.assert_array_equal(gradient, of_x)
    found = network.gradients.by_layer[0]["weight"]
    np.testing.assert_allclose(found[2], of_rows[[0, 2, 4]].sum(axis=0), rtol=1e-15)
    np.testing.assert_array_equal(found[[0, 3]], of_rows[[1, 3]])
    np.testing.assert_array_equal(found[1], 0.0)
    # Where it is only asked, a batch's samples are of the classes in turn.
    asked, _ = network.forward(x, fed={"class": np.array([0.0, 1.0, 2.0, 3.0, 0.0])})
    np.testing.assert_array_equal(network.infer(x), asked)


def test_a_class_s_cross_entropy_is_of_its_own_logit_and_holds_however_large_that_is():
    network, x = network_of(ClassCrossEntropy(num_classes=4), (4,))
    classes = np.array([2.0, 0.0, 2.0, 3.0, 1.0])
    fed = {"input_class_cross_entropy": classes}
    y, caches = network.forward(x, fed=fed)
    shares = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    one_hot = np.eye(4)[classes.astype(int)]
    np.testing.assert_allclose(y[:, 0], -np.log(shares[one_hot == 1]), rtol=1e-14)
    upstream = np.random.default_rng(4).standard_normal(y.shape)
    gradient = network.backward(upstream.copy(), caches, into=None, wants_input=True)
    np.testing.assert_allclose(gradient, upstream * (shares - one_hot), rtol=1e-13)
    far, _ = network.forward(1e3 * one_hot, fed=fed)
    np.testing.assert_array_equal(far, 0.0)
    wrong, _ = network.forward(-1e3 * one_hot, fed=fed)
    np.testing.assert_allclose(wrong, 1e3 + np.log(3), rtol=1e-15)


@pytest.mark.parametrize("form", ["cross-entropy", "squared-error"])
def test_a_code_s_error_is_of_its_part_of_the_latent_and_so_are_its_slopes(form):
    network, x = network_of(CodeError(form=form, start=2, stop=5), (3,))
    random = np.random.default_rng(6)
    latent = random.standard_normal((len(x), 6))
    if form == "cross-entropy":
        latent[:, 2:5] = np.eye(3)[random.integers(3, size=len(x))]

    def error_of(found):
        y, caches = network.forward(found, fed={"input_code_error": latent})
        return y, caches

    y, caches = error_of(x)
    code = latent[:, 2:5]
    logs = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    expected = -(code * logs).sum(axis=1) if form == "cross-entropy" else np.mean((x - code) ** 2, axis=1)
    np.testing.assert_allclose(y[:, 0], expected, rtol=1e-13)
    upstream = random.standard_normal(y.shape)
    gradient = network.backward(upstream.copy(), caches, into=None, wants_input=True)
    direction, step = random.standard_normal(x.shape), 1e-6
    ahead, behind = (error_of(x + sign * step * direction)[0] for sign in (1, -1))
    slope = np.sum(upstream * (ahead - behind)) / (2 * step)
    np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-7)
    # Where it is only asked, there is no code.
    np.testing.assert_array_equal(network.infer(x), network.forward(x, fed={"input_code_error": 0 * latent})[0])


def _contrast_of(x, classes, temperature, margin):
    """Return a contrast's definition, sample by sample, with the largest similarity taken from the first x."""
    units, proxies = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in np.split(x, 2, axis=1))
    found = []
    for i, (unit, proxy) in enumerate(zip(units, proxies, strict=True)):
        others = [j for j in range(len(x)) if j != i]
        near = {j: unit @ units[j] for j in others}
        own = np.exp(unit @ proxy / temperature)
        if margin is None:
            powers = {j: np.exp(near[j] / temperature) for j in others}
            same = sum(powers[j] for j in others if classes[j] == classes[i])
            found.append(np.log(own + sum(powers.values())) - np.log(own + same))
            continue
        shifted = {j: (near[j] + margin - 1) / temperature for j in others}
        pull = max(0.0, (margin - unit @ proxy) / temperature)
        others_of = [max(0.0, shifted[j]) - max(shifted.values()) for j in others if classes[j] != classes[i]]
        found.append(pull + np.log(np.exp(-pull) + np.sum(np.exp(others_of))))
    return np.array(found)


@pytest.mark.parametrize(("form", "margin"), [("conditional", None), ("data-to-data", 0.9)])
def test_a_contrast_is_of_its_class_and_the_batch(form, margin):
    layer = ClassContrast(num_classes=4, form=form, temperature=0.5, epsilon=1e-12, margin=margin)
    network, _ = network_of(layer, (6,))
    x = np.random.default_rng(8).standard_normal((5, 6))
    classes = np.array([2.0, 0.0, 2.0, 3.0, 2.0])
    fed = {"input_class_contrast": classes}
    y, caches = network.forward(x, fed=fed)
    np.testing.assert_allclose(y[:, 0], _contrast_of(x, classes, 0.5, margin), rtol=1e-13)
    upstream = np.random.default_rng(4).standard_normal(y.shape)
    gradient = network.backward(upstream.copy(), caches, into=None, wants_input=True)
    if form == "conditional":  # of the other form the largest similarity is no constant to differences
        moved = np.empty_like(x)
        for place in np.ndindex(x.shape):
            step = np.zeros_like(x)
            step[place] = 1e-6
            ahead, behind = (network.forward(x + sign * step, fed=fed)[0] for sign in (1, -1))
            moved[place] = np.sum(upstream * (ahead - behind)) / 2e-6
        np.testing.assert_allclose(gradient, moved, rtol=1e-6, atol=1e-8)
    # Sizes do not count, so that no gradient is along a vector; and one sample alone has nothing against it.
    np.testing.assert_allclose(np.sum(gradient[:, :3] * x[:, :3], axis=1), 0.0, atol=1e-14)
    alone, _ = network.forward(x[:1], fed={"input_class_contrast": classes[:1]})
    np.testing.assert_allclose(alone, 0.0, atol=1e-15)
