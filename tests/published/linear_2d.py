"""A linear generator on a 2D Gaussian, after the GAN chapter of Dive into Deep Learning, in its two-logit form."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn


def load(layer, state, name):
    layer.weight.data = torch.tensor(state[f"{name}.weight"], dtype=torch.float64)
    layer.bias.data = torch.tensor(state[f"{name}.bias"], dtype=torch.float64)


def update_d(x, z, *, net_d, net_g, loss, trainer_d):
    """Update discriminator."""
    batch_size = x.shape[0]
    ones = torch.ones(batch_size, dtype=torch.long)
    zeros = torch.zeros(batch_size, dtype=torch.long)
    trainer_d.zero_grad()
    real_y = net_d(x)
    fake_x = net_g(z)
    # Do not need to compute gradient for `net_g`, detach it from computing gradients.
    fake_y = net_d(fake_x.detach())
    loss_d = loss(real_y, ones) + loss(fake_y, zeros)
    loss_d.backward()
    trainer_d.step()
    return loss_d.item()


def update_g(z, *, net_d, net_g, loss, trainer_g):
    """Update generator."""
    ones = torch.ones(z.shape[0], dtype=torch.long)
    trainer_g.zero_grad()
    fake_x = net_g(z)
    # Recomputing `fake_y` is needed since `net_d` is changed.
    fake_y = net_d(fake_x)
    loss_g = loss(fake_y, ones)
    loss_g.backward()
    trainer_g.step()
    return loss_g.item()


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    net_g = nn.Sequential(nn.Linear(2, 2))
    net_d = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 2))
    load(net_g[0], state, "generator.output")
    load(net_d[0], state, "discriminator.hidden1")
    load(net_d[2], state, "discriminator.hidden2")
    load(net_d[4], state, "discriminator.output")

    loss = nn.CrossEntropyLoss()
    trainer_d = torch.optim.Adam(net_d.parameters(), lr=0.05)
    trainer_g = torch.optim.Adam(net_g.parameters(), lr=0.01)
    losses_d, losses_g = [], []
    for step in range(steps):
        x = torch.tensor(arrays["real"][step % len(arrays["real"])])
        z = torch.tensor(arrays["latent_d"][step % len(arrays["latent_d"])])
        losses_d.append(update_d(x, z, net_d=net_d, net_g=net_g, loss=loss, trainer_d=trainer_d))
        losses_g.append(update_g(z, net_d=net_d, net_g=net_g, loss=loss, trainer_g=trainer_g))
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
