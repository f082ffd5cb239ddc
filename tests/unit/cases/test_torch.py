"""Programs in PyTorch as people write them, watched: right ones agree bit for bit unwatched, mistakes are found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.shared.spec import (
    BatchNorm,
    HingeDiscriminatorLoss,
    Linear,
    Network,
    SpectralNorm,
    WassersteinGeneratorLoss,
)

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

STEPS = 3


def double(*modules):
    return nn.Sequential(*modules).double()


def linear_2d():
    return double(nn.Linear(2, 2)), double(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 2))


def sine():
    return (
        double(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 16)),
        double(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 1), nn.Sigmoid()),
    )


def narrow_wgan_gp():
    """Return mnist-wgan-gp with an eighth of its inner features."""

    def narrow(features):
        return features // 8 if features in (128, 256, 512, 1024) else features

    def narrowed(layer):
        if isinstance(layer, Linear):
            return replace(layer, in_features=narrow(layer.in_features), out_features=narrow(layer.out_features))
        return replace(layer, num_features=narrow(layer.num_features)) if isinstance(layer, BatchNorm) else layer

    spec = gr.spec("mnist-wgan-gp")
    networks = {
        name: Network(input_shape=network.input_shape, layers=tuple(map(narrowed, network.layers)))
        for name, network in spec.networks().items()
    }
    return replace(spec, name="narrow-wgan-gp", **networks)


def wgan_gp(slope=0.2, epsilon=0.8):
    def block(before, after):
        return nn.Linear(before, after), nn.BatchNorm1d(after, epsilon), nn.LeakyReLU(slope)

    generator = double(
        nn.Linear(100, 16),
        nn.LeakyReLU(slope),
        *block(16, 32),
        *block(32, 64),
        *block(64, 128),
        nn.Linear(128, 784),
        nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )
    discriminator = double(
        nn.Flatten(),
        nn.Linear(784, 64),
        nn.LeakyReLU(slope),
        nn.Linear(64, 32),
        nn.LeakyReLU(slope),
        nn.Linear(32, 1),
    )
    return generator, discriminator


def case_of(gan, networks, optimizers, *, watch=True, **options):
    case = gr.case(gan, framework="torch", **{"steps": STEPS, **options})
    (generator, discriminator), (optimizer_g, optimizer_d) = networks, optimizers
    case.load(generator=generator, discriminator=discriminator)
    if watch:
        case.watch(
            generator=generator,
            discriminator=discriminator,
            generator_optimizer=optimizer_g,
            discriminator_optimizer=optimizer_d,
        )
    return case


def adam(network, rate, **options):
    return torch.optim.Adam(network.parameters(), lr=rate, **options)


def spectral_2d(*, first):
    """Return linear-2d with a hinge loss on one score of a D whose weights are under spectral norms."""
    spec = gr.spec("linear-2d")
    norm = SpectralNorm(
        num_iterations=1, first=first, epsilon=1e-12, epsilon_placement="floor", sigma_gradient="followed"
    )
    layers = [
        replace(layer, spectral_norm=norm) if isinstance(layer, Linear) else layer
        for layer in spec.discriminator.layers
    ]
    layers[-1] = replace(layers[-1], out_features=1)
    critic = {"reduction": "mean", "real_label": 1}
    training = replace(
        spec.training,
        discriminator_loss=HingeDiscriminatorLoss(**critic),
        generator_loss=WassersteinGeneratorLoss(**critic),
    )
    discriminator = replace(spec.discriminator, layers=tuple(layers))
    return replace(spec, name="spectral-2d", discriminator=discriminator, training=training)


def train_spectral_2d(*, first, normalise):
    generator, _ = linear_2d()
    sizes = ((2, 5), (5, 3), (3, 1))
    linears = [normalise(nn.Linear(*size)) for size in sizes]
    networks = generator, double(linears[0], nn.Tanh(), linears[1], nn.Tanh(), linears[2])
    optimizers = optimizer_g, optimizer_d = adam(generator, 0.01), adam(networks[1], 0.05)
    case = case_of(spectral_2d(first=first), networks, optimizers)
    for step in case:
        scores, fakes = networks[1](step.real), networks[1](generator(step.latent_d).detach())
        loss_d = torch.relu(1 - scores).mean() + torch.relu(1 + fakes).mean()
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        loss_g = -networks[1](generator(step.latent_d)).mean()
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        step.record(discriminator=loss_d, generator=loss_g)
    return case.judge()


def train_linear_2d(*, mistake=None, watch=True, steps=STEPS):
    generator, discriminator = networks = linear_2d()
    if mistake == "another activation":
        discriminator[1] = nn.Sigmoid()
    options = {"beta2": {"betas": (0.9, 0.99)}, "epsilon": {"eps": 1e-3}, "decay": {"weight_decay": 1e-2}}.get(
        mistake, {}
    )
    optimizers = optimizer_g, optimizer_d = adam(generator, 0.01), adam(discriminator, 0.05, **options)
    case = case_of("linear-2d", networks, optimizers, watch=watch, steps=steps)
    loss = nn.CrossEntropyLoss(reduction="sum" if mistake == "sum" else "mean")
    if mistake == "initial value":
        nn.init.ones_(discriminator[2].bias)
    for step in case:
        ones, zeros = torch.ones(len(step.real), dtype=torch.long), torch.zeros(len(step.real), dtype=torch.long)
        if mistake == "labels":
            ones, zeros = zeros, ones
        if mistake != "zero_grad":
            optimizer_d.zero_grad()
        fake = generator(step.latent_d)
        if mistake == "float32":
            fake = fake.float().double()
        loss_d = loss(discriminator(step.real), ones) + loss(discriminator(fake.detach()), zeros)
        loss_d.backward()
        optimizer_g.zero_grad()
        if mistake == "update order":
            loss_g = loss(discriminator(generator(step.latent_d)), ones)
            loss_g.backward()
            optimizer_g.step()
            optimizer_d.step()
        else:
            optimizer_d.step()
            loss_g = loss(discriminator(generator(step.latent_d)), ones)
            loss_g.backward()
            optimizer_g.step()
        step.record(discriminator=loss_d, generator=loss_g)
    return case, networks


def train_sine(*, mistake=None, watch=True, swapped=False, steps=STEPS):
    generator, discriminator = networks = sine()
    optimizers = optimizer_g, optimizer_d = adam(generator, 1e-4), adam(discriminator, 1e-4)
    case = case_of("sine", networks, optimizers, watch=watch, steps=steps)
    for step in case:
        fake = generator(step.latent_d)
        loss_g = torch.mean(torch.log(1 - discriminator(fake)))
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        if mistake == "anew":
            fake = generator(step.latent_d)
        if swapped:
            of_fake, of_real = discriminator(fake.detach()), discriminator(step.real)
        else:
            of_real, of_fake = discriminator(step.real), discriminator(fake.detach())
        if mistake == "sigmoid twice":
            of_real = torch.sigmoid(of_real)
        loss_d = -torch.mean(torch.log(of_real)) - torch.mean(torch.log(1 - of_fake))
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        step.record(discriminator=loss_d.item(), generator=loss_g.item())
    return case, networks


def train_wgan_gp(*, mistake=None, watch=True, stacked=False, steps=1):
    epsilon = 1e-5 if mistake == "batch-norm epsilon" else 0.8
    networks = wgan_gp(slope=0.01 if mistake == "slope" else 0.2, epsilon=epsilon)
    generator, discriminator = networks
    if mistake == "momentum":
        for module in generator.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = 0.9
    optimizers = optimizer_g, optimizer_d = adam(generator, 0.001), adam(discriminator, 0.004)
    case = case_of(narrow_wgan_gp(), networks, optimizers, watch=watch, steps=steps, batch_size=8)
    for step in case:
        optimizer_d.zero_grad()
        if mistake == "eval":
            generator.eval()
        fake = generator(step.latent_d).detach()
        generator.train()
        mixed = (step.mix * step.real + (1 - step.mix) * fake).requires_grad_(True)
        if stacked:
            of_real, of_fake = discriminator(torch.cat([step.real, fake])).chunk(2)
        else:
            of_real, of_fake = discriminator(step.real), discriminator(fake)
        create = mistake != "create_graph"
        (gradient,) = torch.autograd.grad(discriminator(mixed).sum(), mixed, create_graph=create)
        norm = gradient.flatten(1).norm(2, dim=1) if mistake == "axis" else gradient.norm(2, dim=1)
        loss_d = -of_real.mean() + of_fake.mean() + 10 * ((norm - 1) ** 2).mean()
        loss_d.backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        loss_g = -discriminator(generator(step.latent_d)).mean()
        loss_g.backward()
        optimizer_g.step()
        step.record(discriminator=loss_d, generator=loss_g)
    return case, networks


PROGRAMS = {"linear-2d": train_linear_2d, "sine": train_sine, "mnist-wgan-gp": train_wgan_gp}


@pytest.mark.parametrize("gan", PROGRAMS)
def test_a_right_program_agrees_and_watching_changes_no_bit(gan):
    steps = 2 if gan == "mnist-wgan-gp" else 8
    case, watched = PROGRAMS[gan](steps=steps)
    judgement = case.judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert judgement.notes == ()
    assert {"output", "loss", "gradient", "parameter", "slot", "counter"} <= set(judgement.seen)
    assert judgement.watched_steps == steps
    _, unwatched = PROGRAMS[gan](steps=steps, watch=False)
    for first, second in zip(watched, unwatched, strict=True):
        for name, tensor in first.state_dict().items():
            assert torch.equal(tensor, second.state_dict()[name]), name


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
        ("linear-2d", "decay", ("discriminator", "parameter", "discriminator.hidden1.weight"), ()),
        ("linear-2d", "zero_grad", ("discriminator", "gradient", "discriminator.hidden1.weight"), ()),
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


def test_passes_in_another_order_are_told_and_no_disagreement():
    case, _ = train_sine(swapped=True)
    judgement = case.judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert judgement.notes == (
        "step 0: the discriminator on fake in the discriminator phase before the discriminator on real in the "
        "discriminator phase",
    )


def test_real_and_fake_in_one_pass_agree():
    case, _ = train_wgan_gp(stacked=True)
    judgement = case.judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert judgement.notes == ()


def test_a_network_that_is_not_the_reference_is_told_when_it_is_loaded():
    case, _ = train_wgan_gp(mistake="slope", watch=False)
    notes = case.judge().notes
    assert len(notes) == 2
    assert notes[0].startswith("with the same parameters, the generator does not give what the reference does")


def test_loading_maps_names_and_takes_a_mapping_where_it_cannot_tell():
    generator, discriminator = linear_2d()
    names = gr.case("linear-2d").load(generator=generator, discriminator=discriminator)
    assert names["discriminator.hidden2.weight"] == "2.weight"
    state = gr.case("linear-2d").initial_state
    np.testing.assert_array_equal(discriminator[2].weight.detach().numpy(), state["discriminator.hidden2.weight"])
    with pytest.raises(gr.GanRosettaError, match="nothing fits"):
        gr.case("linear-2d").load(generator=discriminator)
    with pytest.raises(gr.GanRosettaError, match=r"0\.weight of the generator is of float32, and the case of float64"):
        gr.case("linear-2d").load(generator=nn.Sequential(nn.Linear(2, 2)))
    with pytest.raises(gr.GanRosettaError, match="generator is a dict; expected a torch Module"):
        gr.case("linear-2d").load(generator={})


@pytest.mark.parametrize(
    ("first", "normalise"),
    [("v", nn.utils.spectral_norm), ("u", nn.utils.parametrizations.spectral_norm)],
    ids=["hook", "parametrization"],
)
def test_both_of_torch_s_spectral_norms_are_seen_into(first, normalise):
    judgement = train_spectral_2d(first=first, normalise=normalise)
    assert judgement.verdict == "AGREE", str(judgement)
    assert judgement.seen["output"] == 16 * STEPS


def test_torch_s_parametrization_is_told_that_the_vectors_move_in_another_order(account):
    judgement = train_spectral_2d(first="v", normalise=nn.utils.parametrizations.spectral_norm)
    account("spectral order", judgement)
    assert judgement.first.place == "step 0, discriminator phase, output of discriminator.hidden1 on real"
    assert [cause.names for cause in judgement.cause.causes] == [("spectral-order",)]
