"""Programs in PyTorch with the mistakes that people make: each is found at its place, and its cause named or none."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from tests.unit.cases.gans import decaying, in_short_epochs  # noqa: E402
from tests.unit.cases.torch_programs import (  # noqa: E402
    PROGRAMS,
    adam,
    case_of,
    linear_2d,
    train_decaying,
    train_generator_first,
    train_images,
    train_linear_2d,
    train_spectral_2d,
    train_wgan_gp,
)


# The last of each row: the faults that are named as the cause; none where the catalogue has none that does as much.
@pytest.mark.parametrize(
    ("gan", "mistake", "place", "cause"),
    [
        ("linear-2d", "initial value", ("start", "parameter", "discriminator.hidden2.bias"), ()),
        (
            "linear-2d",
            "another activation",
            ("discriminator", "output", "discriminator.hidden1_tanh"),
            ("activation-mistaken",),
        ),
        (
            "linear-2d",
            "labels",
            ("discriminator", "loss", "loss"),
            ("discriminator-labels-swapped", "generator-labels-swapped"),
        ),
        ("linear-2d", "sum", ("discriminator", "loss", "loss"), ("discriminator-loss-summed", "generator-loss-summed")),
        ("linear-2d", "beta2", ("discriminator", "slot", "optimizer.discriminator.hidden1.weight.v"), ("adam-beta2",)),
        (
            "linear-2d",
            "epsilon",
            ("discriminator", "parameter", "discriminator.hidden1.weight"),
            ("adam-epsilon-value",),
        ),
        ("linear-2d", "decay", ("discriminator", "parameter", "discriminator.hidden1.weight"), ("weight-decay-added",)),
        ("linear-2d", "zero_grad", ("discriminator", "gradient", "discriminator.hidden1.weight"), ()),
        ("linear-2d", "detach", ("generator", "gradient", "generator.output.weight"), ("fake-not-detached",)),
        ("linear-2d", "float32", ("discriminator", "output", "discriminator.hidden1"), ()),
        ("sine", "anew", ("discriminator", "output", "discriminator.hidden1"), ("fake-regenerated",)),
        ("sine", "sigmoid twice", ("discriminator", "loss", "loss"), ()),
        ("mnist-wgan-gp", "slope", ("discriminator", "output", "generator.linear1_leaky_relu"), ("leaky-relu-slope",)),
        (
            "mnist-wgan-gp",
            "batch-norm epsilon",
            ("discriminator", "output", "generator.norm2"),
            ("batch-norm-epsilon",),
        ),
        (
            "mnist-wgan-gp",
            "momentum",
            ("discriminator", "buffer", "generator.norm2.running_mean"),
            ("batch-norm-momentum",),
        ),
        ("mnist-wgan-gp", "axis", ("discriminator", "loss", "loss"), ("penalty-norm-axis",)),
    ],
)
def test_a_mistake_is_found_at_its_place_and_given_its_cause_or_none(gan, mistake, place, cause, account):
    case, _ = PROGRAMS[gan](mistake=mistake)
    judgement = case.judge()
    account(mistake, judgement)
    assert judgement.verdict == "DISAGREE"
    first = judgement.first
    assert (first.phase, first.quantity, first.name) == place, judgement.sentence
    assert [name for name in judgement.cause.names if ":" not in name] == list(cause), str(judgement.cause)
    assert len(judgement.cause.causes) == (1 if cause else 0), str(judgement.cause)


@pytest.mark.parametrize(
    ("mistake", "place"),
    [
        ("eval", ("discriminator", "output", "generator.norm2")),
        ("create_graph", ("discriminator", "gradient", "discriminator.linear1.weight")),
    ],
)
def test_a_mistake_is_found_at_its_place(mistake, place, account):
    case, _ = train_wgan_gp(mistake=mistake)
    judgement = case.judge()
    account(mistake, judgement)
    assert judgement.verdict == "DISAGREE"
    first = judgement.first
    assert (first.phase, first.quantity, first.name) == place, judgement.sentence


def test_an_update_order_is_found_in_the_generators_half(account):
    case, _ = train_linear_2d(mistake="update order")
    judgement = case.judge()
    account("update order", judgement)
    assert judgement.verdict == "DISAGREE"
    assert judgement.step == "step 0"
    # G's update comes between D's gradients and D's update, which nobody's order is.
    assert judgement.cause.causes == ()


def test_an_order_that_is_swapped_is_named(account):
    judgement = train_generator_first().judge()
    account("generator first", judgement)
    assert judgement.first.phase == "generator"
    assert judgement.cause.names == ("update-order-swapped",), str(judgement.cause)


@pytest.mark.parametrize(
    ("mistake", "program", "step", "cause"),
    [
        ("decay left in", {"gan": in_short_epochs(), "schedule": "step"}, "step 1", ("decay-added",)),
        ("decay by epoch", {"gan": in_short_epochs(), "schedule": "epoch"}, "step 2", ()),
        ("decay by step", {"gan": decaying(), "schedule": "step"}, "step 1", ("decay-each-step",)),
    ],
)
def test_a_schedule_is_found_where_the_rate_first_differs(mistake, program, step, cause, account):
    judgement = train_decaying(**program)
    account(mistake, judgement)
    first = judgement.first
    assert (judgement.step, first.phase, first.quantity) == (step, "discriminator", "parameter"), judgement.sentence
    assert judgement.cause.names == cause, str(judgement.cause)


def test_an_order_of_flattening_is_found_behind_it(account):
    judgement = train_images(flattens_last=True)
    account("flatten", judgement)
    assert judgement.first.place == "step 0, discriminator phase, output of discriminator.output on real"
    assert judgement.cause.names == ("flatten-channels-last",), str(judgement.cause)


def test_what_a_program_does_after_its_first_wrong_step_must_be_explained_too(account):
    """A rate that is wrong in the first step alone is no constant rate, as the second step shows."""
    generator, discriminator = networks = linear_2d()
    optimizers = optimizer_g, optimizer_d = adam(generator, 0.01), adam(discriminator, 0.02)
    case = case_of("linear-2d", networks, optimizers, steps=4)
    loss = nn.CrossEntropyLoss()
    for step in case:
        ones, zeros = torch.ones(len(step.real), dtype=torch.long), torch.zeros(len(step.real), dtype=torch.long)
        fake = generator(step.latent_d)
        loss_d = loss(discriminator(step.real), ones) + loss(discriminator(fake.detach()), zeros)
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        loss_g = loss(discriminator(fake), ones)
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        step.record(discriminator=loss_d, generator=loss_g)
        optimizer_d.param_groups[0]["lr"] = 0.05
    judgement = case.judge()
    account("first rate", judgement)
    assert judgement.cause.causes == ()


def test_torch_s_parametrization_is_told_that_the_vectors_move_in_another_order(account):
    judgement = train_spectral_2d(first="v", normalise=nn.utils.parametrizations.spectral_norm)
    account("spectral order", judgement)
    assert judgement.first.place == "step 0, discriminator phase, output of discriminator.hidden1 on real"
    assert [cause.names for cause in judgement.cause.causes] == [("spectral-order",)]
