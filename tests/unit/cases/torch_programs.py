"""Programs in PyTorch as people write them, each with mistakes that it can be asked to make."""

from __future__ import annotations

import torch
from torch import nn

import gan_rosetta as gr
from tests.unit.cases.gans import images, narrow_wgan_gp, spectral_2d

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
        optimizer_g.zero_grad()
        shown = fake if mistake == "detach" else fake.detach()
        loss_d = loss(discriminator(step.real), ones) + loss(discriminator(shown), zeros)
        loss_d.backward()
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


def train_generator_first():
    """Train linear-2d, whose D is to be trained first, the other way round."""
    generator, discriminator = networks = linear_2d()
    optimizers = optimizer_g, optimizer_d = adam(generator, 0.01), adam(discriminator, 0.05)
    case = case_of("linear-2d", networks, optimizers)
    loss = nn.CrossEntropyLoss()
    for step in case:
        ones, zeros = torch.ones(len(step.real), dtype=torch.long), torch.zeros(len(step.real), dtype=torch.long)
        fake = generator(step.latent_d)
        loss_g = loss(discriminator(fake), ones)
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        loss_d = loss(discriminator(step.real), ones) + loss(discriminator(fake.detach()), zeros)
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        step.record(discriminator=loss_d, generator=loss_g)
    return case


def train_decaying(*, gan, schedule):
    """Train linear-2d with a schedule of D's rate, moved after each "step" or each "epoch" of two steps."""
    generator, discriminator = networks = linear_2d()
    optimizers = optimizer_g, optimizer_d = adam(generator, 0.01), adam(discriminator, 0.05)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer_d, gamma=0.9)
    case = case_of(gan, networks, optimizers, steps=5)
    loss = nn.CrossEntropyLoss()
    for index, step in enumerate(case, start=1):
        ones, zeros = torch.ones(len(step.real), dtype=torch.long), torch.zeros(len(step.real), dtype=torch.long)
        fake = generator(step.latent_d)
        loss_d = loss(discriminator(step.real), ones) + loss(discriminator(fake.detach()), zeros)
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        loss_g = loss(discriminator(generator(step.latent_d)), ones)
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        if schedule == "step" or index % 2 == 0:
            scheduler.step()
        step.record(discriminator=loss_d, generator=loss_g)
    return case.judge()


class Critic(nn.Module):
    """D of `images`; flattens_last: with channels last, as a critic in Keras flattens."""

    def __init__(self, *, flattens_last):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(1, 4, 3, 2, 1), nn.Conv2d(4, 3, 3, 2, 1)
        self.output = nn.Linear(12, 1)
        self.flattens_last = flattens_last

    def forward(self, inputs):
        inputs = torch.tanh(self.down2(torch.tanh(self.down1(inputs))))  # (B, 3, 2, 2)
        inputs = inputs.permute(0, 2, 3, 1) if self.flattens_last else inputs
        return self.output(inputs.flatten(1))


def train_images(*, flattens_last=False):
    generator = double(
        nn.Linear(5, 12),
        nn.Unflatten(1, (3, 2, 2)),
        nn.ConvTranspose2d(3, 3, 4, 2, 1),
        nn.Tanh(),
        nn.ConvTranspose2d(3, 1, 4, 2, 1),
        nn.Tanh(),
    )
    networks = generator, double(Critic(flattens_last=flattens_last))
    optimizers = optimizer_g, optimizer_d = [torch.optim.SGD(each.parameters(), lr=0.05) for each in networks]
    case = case_of(images(), networks, optimizers)
    for step in case:
        fake = generator(step.latent_d)
        loss_d = -networks[1](step.real).mean() + networks[1](fake.detach()).mean()
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        loss_g = -networks[1](fake).mean()
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        step.record(discriminator=loss_d, generator=loss_g)
    return case.judge()


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


PROGRAMS = {"linear-2d": train_linear_2d, "sine": train_sine, "mnist-wgan-gp": train_wgan_gp}
