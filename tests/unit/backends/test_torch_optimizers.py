from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from gan_rosetta.backends.torch.optimizers import UPDATES, NamedOptimizer, PlacedOptimizer, step_values  # noqa: E402
from gan_rosetta.backends.torch.rows import lay_into_row  # noqa: E402
from gan_rosetta.shared import spec  # noqa: E402

RATE = spec.ExponentialDecay(initial=0.1, factor=0.5, every=3, staircase=False)
ADAM = spec.Adam(
    learning_rate=RATE, beta1=0.9, beta2=0.999, epsilon=1e-3, epsilon_placement="outside", bias_correction=True
)
HAT = replace(ADAM, epsilon_placement="hat")
ADADELTA = spec.Adadelta(learning_rate=RATE, rho=0.9, epsilon=1e-3)
EVERY = [spec.GradientDescent(learning_rate=RATE), ADAM, HAT, replace(ADAM, bias_correction=False), ADADELTA]
NAME = "discriminator.layer.weight"


def build(optimizer):
    parameter = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64))
    return parameter, NamedOptimizer(optimizer, name="discriminator", parameters={NAME: parameter})


def gradient(step):
    return torch.tensor([0.5, -1e-4, float(step)], dtype=torch.float64)


@pytest.mark.parametrize("optimizer", EVERY)
def test_the_optimizer_and_its_update_for_the_compiled_path_agree(optimizer):
    parameter, named = build(optimizer)
    traced = parameter.detach().clone()
    slots = {slot: torch.zeros_like(traced) for slot in optimizer.slots}
    for step in range(8):
        named.update([gradient(step)])
        values = step_values(optimizer, counter=step)
        UPDATES[type(optimizer)](optimizer, parameter=traced, gradient=gradient(step), slots=slots, values=values)
    torch.testing.assert_close(parameter.detach(), traced, rtol=1e-14, atol=0)
    for slot, tensor in slots.items():
        torch.testing.assert_close(
            named.slots[f"optimizer.discriminator.layer.weight.{slot}"], tensor, rtol=1e-14, atol=0
        )
    assert named.counter == 8


def test_torch_s_own_adam_is_used_exactly_where_it_is_the_spec_s():
    kinds = [type(build(optimizer)[1].native) for optimizer in (ADAM, HAT, replace(ADAM, bias_correction=False))]
    assert kinds == [torch.optim.Adam, PlacedOptimizer, PlacedOptimizer]


@pytest.mark.parametrize("optimizer", [ADAM, HAT])
def test_a_counter_beyond_float32_s_integers_still_counts(optimizer):
    _, named = build(replace(optimizer, learning_rate=spec.ConstantRate(value=0.1)))
    named.set_counter(2**24)
    named.update([gradient(1)])
    (state,) = named.native.state.values()
    assert named.counter == int(state["step"]) == 2**24 + 1


def small_network():
    network = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Linear(5, 2)).double()
    with torch.no_grad():
        for place, parameter in enumerate(network.parameters()):
            parameter.copy_(torch.linspace(-1.0, 2.0, parameter.numel()).reshape(parameter.shape) + place)
    return network


def gradients_of(network, step):
    return [torch.sin(7.0 * parameter.detach() + step) for parameter in network.parameters()]


@pytest.mark.parametrize("optimizer", EVERY)
def test_parameters_in_one_vector_move_to_the_bits_that_they_move_to_apart(optimizer):
    networks = {"apart": small_network(), "together": small_network()}
    row = lay_into_row(networks["together"])
    moved = {
        name: NamedOptimizer(optimizer, name="discriminator", parameters=dict(network.named_parameters()), row=own)
        for (name, network), own in zip(networks.items(), (None, row), strict=True)
    }
    for step in range(4):
        for name, network in networks.items():
            moved[name].update(gradients_of(network, step))
    for kind in ("parameters", "slots"):
        apart, together = (getattr(moved[name], kind) for name in ("apart", "together"))
        assert list(apart) == list(together)
        for name, tensor in apart.items():
            torch.testing.assert_close(together[name], tensor, rtol=0, atol=0)


def test_two_optimizers_of_one_vector_each_move_it_by_gradients_of_their_own():
    network = small_network()
    row = lay_into_row(network)
    named = dict(network.named_parameters())
    before = {name: parameter.detach().clone() for name, parameter in named.items()}
    first, _ = (
        NamedOptimizer(spec.GradientDescent(learning_rate=RATE), name=name, parameters=named, row=row)
        for name in ("pretraining", "discriminator")
    )
    first.update([torch.ones_like(parameter) for parameter in before.values()])
    for name, parameter in named.items():
        torch.testing.assert_close(parameter.detach(), before[name] - 0.1)
