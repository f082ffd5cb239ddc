"""Spectrally normalised GAN, after Christian Cosgrove's pytorch-spectral-normalization-gan, its DCGAN-like model.

It overwrites `u.data` and `v.data` in place between D's two passes and their one backward pass. Up to torch 1.9 each
pass's gradient used its own u and v all the same; from 1.10 on autograd keeps the parameters themselves, and the real
pass is differentiated with the fake pass's. The program here is what its author ran: each pass has vectors of its own.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

Z_DIM, CHANNELS, LEAK, W_G, DISC_ITERS = 128, 3, 0.1, 4, 5


def l2normalize(v, eps=1e-12):
    return v / (v.norm() + eps)


class SpectralNorm(nn.Module):
    def __init__(self, module, power_iterations=1):
        super().__init__()
        self.module = module
        self.power_iterations = power_iterations
        self.u = self.v = None
        w = module.weight
        del module._parameters["weight"]
        module.register_parameter("weight_bar", nn.Parameter(w.data))

    def _update_u_v(self):
        w = self.module.weight_bar
        height = w.data.shape[0]
        for _ in range(self.power_iterations):
            self.v = l2normalize(torch.mv(torch.t(w.view(height, -1).data), self.u))
            self.u = l2normalize(torch.mv(w.view(height, -1).data, self.v))
        sigma = self.u.dot(w.view(height, -1).mv(self.v))
        self.module.weight = w / sigma.expand_as(w)

    def forward(self, *args):
        self._update_u_v()
        return self.module.forward(*args)


class Generator(nn.Module):
    def __init__(self, z_dim):
        super().__init__()
        self.z_dim = z_dim
        self.model = nn.Sequential(
            nn.ConvTranspose2d(z_dim, 512, 4, stride=1),
            nn.BatchNorm2d(512),
            nn.ReLU(),
            nn.ConvTranspose2d(512, 256, 4, stride=2, padding=(1, 1)),
            nn.BatchNorm2d(256),
            nn.ReLU(),
            nn.ConvTranspose2d(256, 128, 4, stride=2, padding=(1, 1)),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.ConvTranspose2d(128, 64, 4, stride=2, padding=(1, 1)),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, CHANNELS, 3, stride=1, padding=(1, 1)),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.model(z.view(-1, self.z_dim, 1, 1))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = SpectralNorm(nn.Conv2d(CHANNELS, 64, 3, stride=1, padding=(1, 1)))
        self.conv2 = SpectralNorm(nn.Conv2d(64, 64, 4, stride=2, padding=(1, 1)))
        self.conv3 = SpectralNorm(nn.Conv2d(64, 128, 3, stride=1, padding=(1, 1)))
        self.conv4 = SpectralNorm(nn.Conv2d(128, 128, 4, stride=2, padding=(1, 1)))
        self.conv5 = SpectralNorm(nn.Conv2d(128, 256, 3, stride=1, padding=(1, 1)))
        self.conv6 = SpectralNorm(nn.Conv2d(256, 256, 4, stride=2, padding=(1, 1)))
        self.conv7 = SpectralNorm(nn.Conv2d(256, 512, 3, stride=1, padding=(1, 1)))
        self.fc = SpectralNorm(nn.Linear(W_G * W_G * 512, 1))

    def forward(self, x):
        m = x
        m = nn.LeakyReLU(LEAK)(self.conv1(m))
        m = nn.LeakyReLU(LEAK)(self.conv2(m))
        m = nn.LeakyReLU(LEAK)(self.conv3(m))
        m = nn.LeakyReLU(LEAK)(self.conv4(m))
        m = nn.LeakyReLU(LEAK)(self.conv5(m))
        m = nn.LeakyReLU(LEAK)(self.conv6(m))
        m = nn.LeakyReLU(LEAK)(self.conv7(m))
        return self.fc(m.view(-1, W_G * W_G * 512))


def load(generator, discriminator, state):
    tensors = {name: torch.tensor(array) for name, array in state.items()}
    count = 0
    for layer in generator.double().model:
        if isinstance(layer, nn.ConvTranspose2d):
            count += 1
            layer.weight.data.copy_(tensors[f"generator.up{count}.weight"])
            layer.bias.data.copy_(tensors[f"generator.up{count}.bias"])
        elif isinstance(layer, nn.BatchNorm2d):
            for short in ("weight", "bias", "running_mean", "running_var"):
                getattr(layer, short).data.copy_(tensors[f"generator.norm{count}.{short}"])
    for name, layer in discriminator.double().named_children():
        prefix = f"discriminator.{'output' if name == 'fc' else name}"
        layer.module.weight_bar.data.copy_(tensors[f"{prefix}.weight"])
        layer.module.bias.data.copy_(tensors[f"{prefix}.bias"])
        layer.u, layer.v = tensors[f"{prefix}.weight_u"], tensors[f"{prefix}.weight_v"]


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    generator, discriminator = Generator(Z_DIM), Discriminator()
    load(generator, discriminator, state)
    optim_disc = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.0, 0.9))
    optim_gen = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.0, 0.9))
    scheduler_d = torch.optim.lr_scheduler.ExponentialLR(optim_disc, gamma=0.99)
    scheduler_g = torch.optim.lr_scheduler.ExponentialLR(optim_gen, gamma=0.99)
    losses_d, losses_g, terms_d, terms_g = [], [], [], []
    for i in range(steps):
        data, z, z_gen = (torch.tensor(arrays[name][i]) for name in ("real", "latent_d", "latent_g"))
        optim_disc.zero_grad()
        optim_gen.zero_grad()
        real_scores, fake_scores = discriminator(data), discriminator(generator(z))
        disc_loss = nn.ReLU()(1.0 - real_scores).mean() + nn.ReLU()(1.0 + fake_scores).mean()
        disc_loss.backward()
        optim_disc.step()
        losses_d.append(disc_loss.item())
        terms_d.append(max(1.0, real_scores.abs().max().item(), fake_scores.abs().max().item()))
        if i % DISC_ITERS != DISC_ITERS - 1:
            losses_g.append(np.nan)
            terms_g.append(np.nan)
            continue
        optim_disc.zero_grad()
        optim_gen.zero_grad()
        scores = discriminator(generator(z_gen))
        gen_loss = -scores.mean()
        gen_loss.backward()
        optim_gen.step()
        losses_g.append(gen_loss.item())
        terms_g.append(scores.abs().max().item())
        if (i + 1) % arrays.get("steps_per_epoch", steps) == 0:
            scheduler_d.step()
            scheduler_g.step()
    return {
        "pretraining": np.array([]),
        "discriminator": np.array(losses_d),
        "generator": np.array(losses_g),
        "discriminator terms": np.array(terms_d),
        "generator terms": np.array(terms_g),
    }
