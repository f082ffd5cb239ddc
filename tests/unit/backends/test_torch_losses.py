from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from gan_rosetta.backends.torch import losses  # noqa: E402
from gan_rosetta.backends.torch.step import of_each, penalised_samples  # noqa: E402
from gan_rosetta.shared import spec  # noqa: E402


def values_and_gradient(function, scores):
    scores = torch.tensor(scores, dtype=torch.float64).reshape(-1, 1).requires_grad_()
    value = function(scores)
    return value.detach(), torch.autograd.grad(value, scores)[0].flatten()


@pytest.mark.parametrize("label", [0, 1])
def test_binary_cross_entropy_with_torch_s_constants_is_torch_s(label):
    # torch keeps its 1e-12 in float32, for float64 tensors too.
    floor = torch.tensor(1e-12, dtype=torch.float32).item()
    loss = spec.BinaryCrossEntropyGeneratorLoss(
        log_floor=-100.0, denominator_floor=floor, reduction="mean", real_label=label
    )
    scores = [0.0, 1e-300, 1e-13, 0.3, 1 - 1e-14, 1.0]
    ours = values_and_gradient(lambda p: losses.binary_cross_entropy_generator_loss(loss, fake=p), scores)
    native = torch.nn.functional.binary_cross_entropy
    theirs = values_and_gradient(lambda p: native(p, torch.full_like(p, label)), scores)
    torch.testing.assert_close(ours, theirs, rtol=1e-15, atol=0)


def test_binary_cross_entropy_lets_nan_through():
    loss = spec.BinaryCrossEntropyGeneratorLoss(
        log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=1
    )
    value, gradient = values_and_gradient(
        lambda p: losses.binary_cross_entropy_generator_loss(loss, fake=p), [float("nan"), 0.5]
    )
    assert value.isnan()
    assert gradient.isnan().tolist() == [True, False]


def test_floored_logarithm_has_no_gradient_below_the_floor_and_all_of_it_at_the_floor():
    loss = spec.NonSaturatingGeneratorLoss(probability_floor=0.25, reduction="sum", real_label=1)
    _, gradient = values_and_gradient(
        lambda p: losses.non_saturating_generator_loss(loss, fake=p), [0.0, 0.125, 0.25, 0.5]
    )
    assert gradient.tolist() == [0, 0, -4, -2]


WEIGHT = torch.randn(12, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
LAST = torch.randn(5, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
MIXED = torch.randn(4, 3, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def penalty(norm, last):
    mixed = MIXED.clone().requires_grad_()
    scores = torch.tanh(mixed.reshape(4, 12) @ WEIGHT) @ last
    (gradient,) = torch.autograd.grad(scores.sum(), mixed, create_graph=True)
    return losses.gradient_penalty(spec.GradientPenalty(weight=10.0, norm=norm), gradient=gradient)


@pytest.mark.parametrize("norm", ["channel", "sample"])
def test_penalty_gradient_is_that_of_finite_differences(norm):
    last = LAST.clone().requires_grad_()
    (found,) = torch.autograd.grad(penalty(norm, last), last)
    step = 1e-6
    for row in range(5):
        nudge = torch.zeros_like(LAST)
        nudge[row] = step
        difference = (penalty(norm, LAST + nudge) - penalty(norm, LAST - nudge)) / (2 * step)
        torch.testing.assert_close(found[row, 0], difference, rtol=1e-7, atol=0)


@pytest.mark.parametrize("norm", ["channel", "sample"])
def test_penalty_has_no_nan_where_the_gradient_is_zero(norm):
    last = torch.zeros_like(LAST).requires_grad_()
    value = penalty(norm, last)
    assert value.item() == 10.0
    assert not torch.autograd.grad(value, last)[0].any()


@pytest.mark.parametrize(
    "own",
    [
        {"norm": "sample", "at": "both", "target": 0.0, "power": 6},
        {"norm": "channel", "over": "largest"},
        {"norm": "sample", "at": "perturbed", "mixing": "entry", "perturbation": 0.5, "deviation": "unbiased"},
    ],
    ids=["both", "largest", "perturbed"],
)
def test_a_penalty_of_many_replicas_is_that_of_each(own):
    chosen = spec.GradientPenalty(weight=2.0, **own)
    draw = torch.Generator().manual_seed(4)
    batches = {
        name: torch.rand(3, 4, 3, 2, 2, dtype=torch.float64, generator=draw)
        for name in ("real", "fake", "mix", "perturbation")
    }
    samples = of_each(penalised_samples, side_by_side=True)(chosen, **batches)
    values = of_each(losses.gradient_penalty, side_by_side=True)(chosen, gradient=samples)
    assert values.shape == (3,)
    for replica in range(3):
        alone = penalised_samples(chosen, **{name: batch[replica] for name, batch in batches.items()})
        torch.testing.assert_close(samples[replica], alone, rtol=1e-14, atol=0)
        torch.testing.assert_close(values[replica], losses.gradient_penalty(chosen, gradient=alone), rtol=1e-14, atol=0)
