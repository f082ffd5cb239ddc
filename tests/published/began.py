"""Boundary equilibrium GAN on MNIST digits, after Erik Linder-Norén's PyTorch-GAN."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.init_size = 32 // 4
        self.l1 = nn.Sequential(nn.Linear(62, 128 * self.init_size**2))
        self.conv_blocks = nn.Sequential(
            nn.BatchNorm2d(128),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 128, 3, stride=1, padding=1),
            nn.BatchNorm2d(128, 0.8),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 64, 3, stride=1, padding=1),
            nn.BatchNorm2d(64, 0.8),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(64, 1, 3, stride=1, padding=1),
            nn.Tanh(),
        )

    def forward(self, noise):
        out = self.l1(noise)
        return self.conv_blocks(out.view(out.shape[0], 128, self.init_size, self.init_size))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 64, 3, 2, 1), nn.ReLU())
        self.down_size = 32 // 2
        down_dim = 64 * self.down_size**2
        self.fc = nn.Sequential(
            nn.Linear(down_dim, 32),
            nn.BatchNorm1d(32, 0.8),
            nn.ReLU(inplace=True),
            nn.Linear(32, down_dim),
            nn.BatchNorm1d(down_dim),
            nn.ReLU(inplace=True),
        )
        self.up = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(64, 1, 3, 1, 1))

    def forward(self, img):
        out = self.down(img)
        out = self.fc(out.flatten(1))
        return self.up(out.view(out.size(0), 64, self.down_size, self.down_size))


_GENERATOR = ("linear", "norm0", "conv1", "norm1", "conv2", "norm2", "conv3")
_DISCRIMINATOR = tuple(f"energy.back.{n}" for n in ("conv1", "linear1", "norm1", "linear2", "norm2", "conv2"))


def load(model, state, network, names):
    layers = [
        layer
        for layer in model.double().modules()
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    for layer, name in zip(layers, names, strict=True):
        for short in ("weight", "bias", *(("running_mean", "running_var") if hasattr(layer, "running_mean") else ())):
            getattr(layer, short).data.copy_(torch.tensor(state[f"{network}.{name}.{short}"]))


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    generator, discriminator = Generator(), Discriminator()
    load(generator, state, "generator", _GENERATOR)
    load(discriminator, state, "discriminator", _DISCRIMINATOR)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    # BEGAN hyper parameters
    gamma = 0.75
    lambda_k = 0.001
    k = float(state["training.balance"])
    losses_d, losses_g = [], []
    for i in range(steps):
        real_imgs = torch.tensor(arrays["real"][i % len(arrays["real"])])
        z = torch.tensor(arrays["latent_d"][i % len(arrays["latent_d"])])

        # Train Generator
        optimizer_g.zero_grad()
        gen_imgs = generator(z)
        g_loss = torch.mean(torch.abs(discriminator(gen_imgs) - gen_imgs))
        g_loss.backward()
        optimizer_g.step()

        # Train Discriminator
        optimizer_d.zero_grad()
        d_real = discriminator(real_imgs)
        d_fake = discriminator(gen_imgs.detach())
        d_loss_real = torch.mean(torch.abs(d_real - real_imgs))
        d_loss_fake = torch.mean(torch.abs(d_fake - gen_imgs.detach()))
        d_loss = d_loss_real - k * d_loss_fake
        d_loss.backward()
        optimizer_d.step()

        # Update weights
        diff = torch.mean(gamma * d_loss_real - d_loss_fake)
        k = k + lambda_k * diff.item()
        k = min(max(k, 0), 1)  # Constraint to interval [0, 1]

        losses_d.append(d_loss.item())
        losses_g.append(g_loss.item())
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
