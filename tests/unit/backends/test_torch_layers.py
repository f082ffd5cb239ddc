from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gan_rosetta.backends.torch.layers import LAYERS, build_network  # noqa: E402
from gan_rosetta.shared import spec  # noqa: E402
from gan_rosetta.shared.errors import UnsupportedLayer  # noqa: E402


def network(*layers, input_shape):
    built = build_network(spec.Network(input_shape=input_shape, layers=layers), device="cpu", dtype=torch.float64)
    with torch.no_grad():
        for index, parameter in enumerate(built.parameters()):
            parameter.fill_(1.5 + index)
    return built


def test_softplus_and_its_gradient_are_exact_beyond_torch_s_own_threshold():
    x = torch.tensor([[-50.0, -1.0, 19.0, 21.0, 39.0, 41.0, 800.0]], dtype=torch.float64, requires_grad=True)
    y = network(spec.Softplus(), input_shape=(7,))(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    values = x.detach().numpy()
    np.testing.assert_allclose(y.detach().numpy(), np.logaddexp(0, values), rtol=4e-16)
    np.testing.assert_allclose(slope.numpy(), 1 / (1 + np.exp(-values)), rtol=4e-16)


@pytest.mark.parametrize("statistics", ["batch", "running"])
@pytest.mark.parametrize("running_variance", ["unbiased", "biased"])
@pytest.mark.parametrize("shape", [(2,), (2, 3, 3)])
def test_batch_norm_normalises_and_moves_its_buffers(statistics, running_variance, shape):
    layer = spec.BatchNorm(
        name="norm",
        num_features=2,
        epsilon=0.1,
        momentum=0.25,
        running_variance=running_variance,
        statistics=statistics,
    )
    built = network(layer, input_shape=shape)
    x = np.random.default_rng(0).normal(2, 3, (4, *shape))
    axes = (0, *range(2, x.ndim))
    mean, variance = x.mean(axes), x.var(axes)
    old_mean, old_variance = np.array([0.5, -0.5]), np.array([2.0, 3.0])
    built.norm.running_mean.copy_(torch.from_numpy(old_mean))
    built.norm.running_var.copy_(torch.from_numpy(old_variance))
    used_mean, used_variance = (mean, variance) if statistics == "batch" else (old_mean, old_variance)
    wide = (2, *[1] * (x.ndim - 2))
    expected = 1.5 * (x - used_mean.reshape(wide)) / np.sqrt(used_variance.reshape(wide) + 0.1) + 2.5

    np.testing.assert_allclose(built.eval()(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-13)
    np.testing.assert_array_equal(built.norm.running_mean.numpy(), old_mean)

    np.testing.assert_allclose(built.train()(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-13)
    count = x.size // 2
    moved = variance * (count / (count - 1) if running_variance == "unbiased" else 1)
    np.testing.assert_allclose(built.norm.running_mean.numpy(), 0.75 * old_mean + 0.25 * mean, rtol=1e-13)
    np.testing.assert_allclose(built.norm.running_var.numpy(), 0.75 * old_variance + 0.25 * moved, rtol=1e-13)


@pytest.mark.parametrize("first", ["v", "u"])
@pytest.mark.parametrize("kind", ["linear", "conv", "transpose"])
def test_a_spectral_norm_is_torch_s_own(kind, first):
    """Its hook's, which moves v first, or its parametrization's; in two passes before one gradient."""
    norm = spec.SpectralNorm(
        num_iterations=1, first=first, epsilon=1e-12, epsilon_placement="floor", sigma_gradient="followed"
    )
    starts = {"weight_init": spec.ZEROS, "bias_init": spec.ZEROS, "spectral_norm": norm}
    if kind == "linear":
        layer, shape = spec.Linear(name="one", in_features=3, out_features=4, **starts), (3,)
        own = torch.nn.Linear(3, 4)
    else:
        made, theirs = {
            "conv": (spec.Conv2d, torch.nn.Conv2d),
            "transpose": (spec.ConvTranspose2d, torch.nn.ConvTranspose2d),
        }[kind]
        layer = made(name="one", in_channels=3, out_channels=4, kernel_size=3, stride=2, padding=1, **starts)
        shape, own = (3, 5, 5), theirs(3, 4, 3, stride=2, padding=1)
    own = own.double()
    built = network(layer, input_shape=shape).train()
    with torch.no_grad():
        built.one.weight.copy_(own.weight)
        built.one.bias.copy_(own.bias)
    parts = torch.nn.utils
    own = (parts.spectral_norm if first == "v" else parts.parametrizations.spectral_norm)(own).train()
    kept = own if first == "v" else own.parametrizations.weight[0]
    u, v = (getattr(kept, f"weight_{name}" if first == "v" else f"_{name}") for name in ("u", "v"))
    built.one.weight_u.copy_(u)
    built.one.weight_v.copy_(v)
    batches = torch.randn(2, 4, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for each in (built, own):
        torch.stack([torch.sin(each(batch)).sum() for batch in batches]).sum().backward()
    original = own.weight_orig if first == "v" else own.parametrizations.weight.original
    torch.testing.assert_close(built.one.weight.grad, original.grad, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(built.one.weight_u, u, rtol=1e-12, atol=0)
    torch.testing.assert_close(built.eval()(batches[0]), built.train()(batches[0]), rtol=0, atol=0)


def test_building_draws_no_random_number_and_starts_from_zeros():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    linear = spec.Linear(name="a", in_features=3, out_features=3, weight_init=spec.ZEROS, bias_init=spec.ZEROS)
    built = build_network(spec.Network(input_shape=(3,), layers=(linear,)), device="cpu", dtype=torch.float32)
    assert torch.equal(before, torch.get_rng_state())
    assert all(not parameter.any() for parameter in built.parameters())


def test_layer_without_a_builder_is_refused_by_name(monkeypatch):
    monkeypatch.delitem(LAYERS, spec.Tanh)
    with pytest.raises(UnsupportedLayer, match="Tanh"):
        network(spec.Tanh(), input_shape=(3,))
