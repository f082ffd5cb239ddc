"""Sine curves, after Morvan Zhou's PyTorch tutorial 406, with sines for parabolas. It goes on regardless of D(real)."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

LR_G = 0.0001
LR_D = 0.0001
N_IDEAS = 5
ART_COMPONENTS = 16


def load(net, state, network):
    linears = [layer for layer in net if isinstance(layer, nn.Linear)]
    for layer, name in zip(linears, ("hidden1", "hidden2", "output"), strict=True):
        for short in ("weight", "bias"):
            value = torch.tensor(state[f"{network}.{name}.{short}"], dtype=torch.float64)
            assert value.shape == getattr(layer, short).shape
            setattr(layer, short, nn.Parameter(value))


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    G = nn.Sequential(  # noqa: N806
        nn.Linear(N_IDEAS, 64),
        nn.ReLU(),
        nn.Linear(64, 128),
        nn.ReLU(),
        nn.Linear(128, ART_COMPONENTS),
    )
    D = nn.Sequential(  # noqa: N806
        nn.Linear(ART_COMPONENTS, 64),
        nn.ReLU(),
        nn.Linear(64, 256),
        nn.ReLU(),
        nn.Linear(256, 1),
        nn.Sigmoid(),
    )
    load(G, state, "generator")
    load(D, state, "discriminator")
    opt_d = torch.optim.Adam(D.parameters(), lr=LR_D)
    opt_g = torch.optim.Adam(G.parameters(), lr=LR_G)

    losses_d, losses_g = [], []
    for step in range(steps):
        artist_paintings = torch.tensor(arrays["real"][step % len(arrays["real"])])
        G_ideas = torch.tensor(arrays["latent_d"][step % len(arrays["latent_d"])])  # noqa: N806
        G_paintings = G(G_ideas)  # noqa: N806
        prob_artist1 = D(G_paintings)
        G_loss = torch.mean(torch.log(1.0 - prob_artist1))  # noqa: N806
        opt_g.zero_grad()
        G_loss.backward()
        opt_g.step()

        prob_artist0 = D(artist_paintings)
        prob_artist1 = D(G_paintings.detach())
        D_loss = -torch.mean(torch.log(prob_artist0) + torch.log(1.0 - prob_artist1))  # noqa: N806
        opt_d.zero_grad()
        D_loss.backward()
        opt_d.step()

        losses_d.append(D_loss.item())
        losses_g.append(G_loss.item())
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
