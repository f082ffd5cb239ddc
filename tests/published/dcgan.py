"""Deep convolutional GAN on 64 × 64 images, after PyTorch's examples."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

nz, ngf, ndf, nc = 100, 64, 64, 3


def generator_network():
    return nn.Sequential(
        nn.ConvTranspose2d(nz, ngf * 8, 4, 1, 0, bias=False),
        nn.BatchNorm2d(ngf * 8),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf * 8, ngf * 4, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ngf * 4),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ngf * 2),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ngf),
        nn.ReLU(True),
        nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
        nn.Tanh(),
    ).double()


def discriminator_network():
    return nn.Sequential(
        nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ndf * 2),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(ndf * 2, ndf * 4, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ndf * 4),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(ndf * 4, ndf * 8, 4, 2, 1, bias=False),
        nn.BatchNorm2d(ndf * 8),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(ndf * 8, 1, 4, 1, 0, bias=False),
        nn.Sigmoid(),
    ).double()


def load(network, state, name, convolution):
    place = 0
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            place += 1
            layer.weight.data.copy_(torch.tensor(state[f"{name}.{convolution}{place}.weight"]))
        elif isinstance(layer, nn.BatchNorm2d):
            for short in ("weight", "bias", "running_mean", "running_var"):
                getattr(layer, short).data.copy_(torch.tensor(state[f"{name}.norm{place}.{short}"]))


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    net_g, net_d = generator_network(), discriminator_network()
    load(net_g, state, "generator", "up")
    load(net_d, state, "discriminator", "down")
    criterion = nn.BCELoss()
    optimizer_d = torch.optim.Adam(net_d.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_g = torch.optim.Adam(net_g.parameters(), lr=0.0002, betas=(0.5, 0.999))
    losses_d, losses_g = [], []
    for i in range(steps):
        real, noise = (torch.tensor(arrays[name][i]) for name in ("real", "latent_d"))
        label = torch.full((len(real),), 1.0, dtype=torch.float64)

        # (1) Update D network: maximize log(D(x)) + log(1 - D(G(z)))
        net_d.zero_grad()
        err_d_real = criterion(net_d(real).view(-1), label)
        err_d_real.backward()
        fake = net_g(noise)
        err_d_fake = criterion(net_d(fake.detach()).view(-1), 0 * label)
        err_d_fake.backward()
        optimizer_d.step()

        # (2) Update G network: maximize log(D(G(z)))
        net_g.zero_grad()
        err_g = criterion(net_d(fake).view(-1), label)
        err_g.backward()
        optimizer_g.step()

        losses_d.append((err_d_real + err_d_fake).item())
        losses_g.append(err_g.item())
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
