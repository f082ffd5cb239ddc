"""The catalogue's numbers for torch are those of the torch that is installed."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from gan_rosetta.shared.faults.defaults import DEFAULTS  # noqa: E402


def value(subject: str) -> Any:
    return DEFAULTS[f"torch:{subject}"].value


def parameter(function: Any, name: str) -> Any:
    return inspect.signature(function).parameters[name].default


def test_adam() -> None:
    assert parameter(torch.optim.Adam, "betas") == value("adam-betas")
    assert parameter(torch.optim.Adam, "eps") == value("adam-epsilon")


def test_adam_s_epsilon_stands_outside() -> None:
    # Where the gradient is as small as ε, the two forms differ by a factor: 1 / (g + ε) or √0.001 / (√0.001 g + ε).
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    weight.grad = torch.full((1,), 1e-8, dtype=torch.float64)
    torch.optim.Adam([weight], lr=1.0).step()
    assert value("adam-epsilon-placement") == "outside"
    assert weight.item() == pytest.approx(-1e-8 / (1e-8 + value("adam-epsilon")), rel=1e-9)


def test_adadelta() -> None:
    assert parameter(torch.optim.Adadelta, "lr") == value("adadelta-learning-rate")
    assert parameter(torch.optim.Adadelta, "rho") == value("adadelta-rho")
    assert parameter(torch.optim.Adadelta, "eps") == value("adadelta-epsilon")


def test_rmsprop() -> None:
    assert parameter(torch.optim.RMSprop, "alpha") == value("rmsprop-rho")
    assert parameter(torch.optim.RMSprop, "eps") == value("rmsprop-epsilon")
    # Where the gradient is as small as ε: g / (0.1 g + ε), or g / √(0.01 g² + ε).
    weight = torch.nn.Parameter(torch.zeros(1, dtype=torch.float64))
    weight.grad = torch.full((1,), 1e-8, dtype=torch.float64)
    torch.optim.RMSprop([weight], lr=1.0).step()
    assert value("rmsprop-epsilon-placement") == "outside"
    assert weight.item() == pytest.approx(-1e-8 / (1e-9 + value("rmsprop-epsilon")), rel=1e-9)


@pytest.mark.parametrize("kind", [torch.nn.BatchNorm1d, torch.nn.BatchNorm2d])
def test_batch_norm(kind: Any) -> None:
    assert parameter(kind, "eps") == value("batch-norm-epsilon")
    assert parameter(kind, "momentum") == value("batch-norm-momentum")


def test_batch_norm_s_running_variance() -> None:
    norm = torch.nn.BatchNorm1d(1).double()
    norm(torch.tensor([[0.0], [2.0]], dtype=torch.float64))
    momentum = value("batch-norm-momentum")
    assert value("batch-norm-variance") == "unbiased"
    assert norm.running_var.item() == pytest.approx(1 - momentum + momentum * 2.0, rel=1e-12)


@pytest.mark.parametrize("probability", [0.0, 1e-30, 1e-5])
def test_bce_clamps_the_log(probability: float) -> None:
    clamp = value("bce-clamp")
    p = torch.tensor([probability], dtype=torch.float64, requires_grad=True)
    loss = torch.nn.BCELoss()(p, torch.ones(1, dtype=torch.float64))
    log = math.log(probability) if probability else -math.inf
    assert loss.item() == pytest.approx(-max(log, clamp.log_floor), rel=1e-12)
    loss.backward()
    assert clamp.gradient == "fades"
    # torch's kernel has the floor as a float32.
    floor = torch.tensor(clamp.denominator_floor, dtype=torch.float32).item()
    denominator = max(probability * (1 - probability), floor)
    assert p.grad.item() == pytest.approx((probability - 1) / denominator, rel=1e-9)
    assert clamp.probability_floor == pytest.approx(math.exp(clamp.log_floor), rel=1e-12)


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (torch.nn.Linear(40, 900), 40),
        (torch.nn.Conv2d(6, 900, 3), 6 * 9),
        (torch.nn.ConvTranspose2d(900, 6, 3), 6 * 9),
    ],
)
def test_initial_values(layer: Any, fan_in: int) -> None:
    assert DEFAULTS["torch:initial-values"].text == "U(±1/√fan_in), bias U(±1/√fan_in)"
    bound = 1 / math.sqrt(fan_in)
    weights = layer.weight.detach()
    assert 0.99 * bound < weights.abs().max().item() <= bound * (1 + 1e-6)
    assert weights.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)
    assert 0 < layer.bias.detach().abs().max().item() <= bound * (1 + 1e-6)


def test_initial_values_of_an_embedding() -> None:
    assert DEFAULTS["torch:embedding-values"].text == "N(0, 1²)"
    weights = torch.nn.Embedding(100, 90).weight.detach()
    assert abs(weights.mean().item()) < 0.05
    assert weights.std().item() == pytest.approx(1.0, rel=0.03)
    assert weights.abs().max().item() > 3


def test_leaky_relu() -> None:
    assert parameter(torch.nn.LeakyReLU, "negative_slope") == value("leaky-relu-slope")
    assert parameter(torch.nn.functional.leaky_relu, "negative_slope") == value("leaky-relu-slope")


def test_smooth_activations() -> None:
    assert parameter(torch.nn.ELU, "alpha") == value("elu-alpha")
    # What torch calls "none" is the form with erf.
    assert parameter(torch.nn.GELU, "approximate") == "none"
    assert value("gelu-form") == "erf"
    assert torch.nn.GELU()(torch.tensor(-1.0)).item() == pytest.approx(-0.5 * math.erfc(math.sqrt(0.5)), rel=1e-5)


def test_group_norm() -> None:
    assert parameter(torch.nn.GroupNorm, "eps") == value("group-norm-epsilon")
