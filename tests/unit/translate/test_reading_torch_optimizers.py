"""Optimizers of torch read with their settings and what they have kept; what a spec cannot say is named."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import Adagrad, Adam, GradientDescent, RMSprop, WeightDecay
from gan_rosetta.shared.state import state_schema
from gan_rosetta.shared.translate.reading import read

torch = pytest.importorskip("torch")
sine = pytest.importorskip("tests.unit.translate.torch_programs").sine


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda p: torch.optim.SGD(p, lr=0.3), (GradientDescent, {"momentum": 0.0, "weight_decay": None})),
        (
            lambda p: torch.optim.SGD(p, lr=0.3, momentum=0.9, nesterov=True, weight_decay=0.1),
            (
                GradientDescent,
                {"momentum": 0.9, "nesterov": True, "weight_decay": WeightDecay(share=0.1, by="gradient")},
            ),
        ),
        (
            lambda p: torch.optim.AdamW(p, lr=0.3, amsgrad=True),
            (Adam, {"amsgrad": "as_kept", "weight_decay": WeightDecay(share=0.01, by="parameter")}),
        ),
        (lambda p: torch.optim.Adagrad(p, lr=0.3), (Adagrad, {"epsilon_placement": "outside", "initial_sum": 0.0})),
        (
            lambda p: torch.optim.Adam(p, lr=0.3, betas=(0.5, 0.9), eps=1e-6),
            (Adam, {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-6, "epsilon_placement": "outside"}),
        ),
        (
            lambda p: torch.optim.RMSprop(p, lr=0.3, alpha=0.9, momentum=0.5, centered=True),
            (RMSprop, {"rho": 0.9, "centered": True, "momentum": 0.5, "momentum_of": "direction"}),
        ),
    ],
)
def test_optimizers_are_read_with_all_their_settings(make, expected):
    kind, settings = expected
    generator, discriminator = sine()
    found = read(
        generator=generator,
        discriminator=discriminator,
        like="sine",
        discriminator_optimizer=make(discriminator.parameters()),
    )
    own = found.spec.training.discriminator_optimizer
    assert isinstance(own, kind)
    assert own.learning_rate.at(0) == 0.3
    assert {name: getattr(own, name) for name in settings} == settings


@pytest.mark.parametrize(
    ("make", "slots"),
    [
        (lambda p: torch.optim.Adam(p, lr=0.1), {"m": "exp_avg", "v": "exp_avg_sq"}),
        (lambda p: torch.optim.Adadelta(p, lr=0.1), {"square": "square_avg", "delta": "acc_delta"}),
        (
            lambda p: torch.optim.RMSprop(p, lr=0.1, momentum=0.9, centered=True),
            {"square": "square_avg", "mean": "grad_avg", "momentum": "momentum_buffer"},
        ),
    ],
)
def test_what_an_optimizer_has_kept_is_read(make, slots):
    generator, discriminator = sine()
    optimizer = make(discriminator.parameters())
    given = {"generator": generator, "discriminator": discriminator, "like": "sine"}
    fresh = read(**given, discriminator_optimizer=optimizer)
    kept = [name for name, tensor in state_schema(fresh.spec).items() if tensor.role in ("slot", "counter")]
    assert not any(fresh.state[name].any() for name in kept)
    for _ in range(2):
        discriminator(torch.randn(3, 16)).sum().backward()
        optimizer.step()
    found = read(**given, discriminator_optimizer=optimizer)
    assert (found.notes, int(found.state["optimizer.discriminator.step"])) == ((), 2)
    for layer, module in (("linear1", discriminator[0]), ("linear2", discriminator[2])):
        for slot, own in slots.items():
            kept = found.state[f"optimizer.discriminator.{layer}.weight.{slot}"]
            assert np.array_equal(kept, optimizer.state[module.weight][own].numpy().astype(np.float64))


@pytest.mark.parametrize("is_lost", [False, True])
def test_an_optimizer_whose_state_is_none_of_a_spec_begins_anew_and_is_noted(is_lost):
    generator, discriminator = sine()
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=0.1)
    discriminator[2].weight.requires_grad_(is_lost)
    discriminator(torch.randn(3, 16)).sum().backward()
    optimizer.step()
    discriminator[2].weight.requires_grad_(True)
    if is_lost:
        del optimizer.state[discriminator[0].bias]["exp_avg"]
    given = {"generator": generator, "discriminator": discriminator, "like": "sine"}
    found = read(**given, discriminator_optimizer=optimizer)
    (note,) = found.notes
    lost = "keeps nothing that is optimizer.discriminator.linear1.bias.m of a state"
    assert note.startswith(f"discriminator_optimizer {lost if is_lost else 'has taken between 0 and 1 steps'}")
    assert int(found.state["optimizer.discriminator.step"]) == 0


def scheduled(network):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    torch.optim.lr_scheduler.StepLR(optimizer, 3)
    return optimizer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n: torch.optim.SGD(n.parameters(), lr=0.1, momentum=0.9, dampening=0.5), "has dampening=0.5"),
        (lambda n: torch.optim.Adam(n.parameters(), lr=0.1, maximize=True), "has maximize=True"),
        (lambda n: torch.optim.Adagrad(n.parameters(), lr_decay=0.1), "has lr_decay=0.1"),
        (lambda n: torch.optim.NAdam(n.parameters()), "is a NAdam"),
        (lambda n: torch.optim.SGD(n[0].parameters(), lr=0.1), "moves 2 of its network's 4 parameters"),
        (lambda n: torch.optim.SGD([{"params": [p]} for p in n.parameters()], lr=0.1), "4 groups"),
        (scheduled, "has a schedule of rates"),
    ],
)
def test_an_optimizer_that_a_spec_cannot_say_is_named(make, message):
    generator, discriminator = sine()
    with pytest.raises(UnsupportedLayer, match=message):
        read(
            generator=generator,
            discriminator=discriminator,
            like="sine",
            discriminator_optimizer=make(discriminator),
        )
