# %% [markdown]
# # A bell curve, in PyTorch

# %% [markdown]
# ## Data
#
# Everything random is on the tape: inputs and targets of the pretraining, real samples, noise for D's half of a step
# and noise for G's. The program itself draws nothing.

# %%
from collections import OrderedDict

import matplotlib.pyplot as plt
import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn

num_pretraining_steps = 1000
num_steps = 1200

tape = {name: torch.tensor(values) for name, values in np.load("tape.npz").items()}  # (steps, 12, 1) each, float64
state = load_file("state.safetensors")

# %% [markdown]
# ## Model
#
# PyTorch's `Softplus` returns its input unchanged above a threshold of 20, which is off by 2·10⁻⁹ there: invisible in
# float32, visible in float64. A threshold of 40 is exact.

# %%
generator = nn.Sequential(
    OrderedDict(hidden=nn.Linear(1, 4), softplus=nn.Softplus(threshold=40), output=nn.Linear(4, 1))
).double()
discriminator = nn.Sequential(
    OrderedDict(
        hidden1=nn.Linear(1, 8),
        tanh1=nn.Tanh(),
        hidden2=nn.Linear(8, 8),
        tanh2=nn.Tanh(),
        hidden3=nn.Linear(8, 8),
        tanh3=nn.Tanh(),
        output=nn.Linear(8, 1),
        sigmoid=nn.Sigmoid(),
    )
).double()


def load(network, prefix):
    network.load_state_dict({name: torch.tensor(state[f"{prefix}.{name}"]) for name in network.state_dict()})


load(generator, "generator")
load(discriminator, "discriminator")

# %% [markdown]
# ## Losses
#
# The losses are written as in the paper. The optimizer and the schedule of its rate are two objects, and **both**
# must be stepped, the optimizer first. The pretraining has a pair of its own, so that its rate starts anew for the
# game.


# %%
def discriminator_loss(d_real, d_fake):
    return torch.mean(-torch.log(d_real) - torch.log(1 - d_fake))


def generator_loss(d_fake):
    return torch.mean(-torch.log(d_fake))


class Descent:
    def __init__(self, network):
        self.optimizer = torch.optim.SGD(network.parameters(), lr=0.005)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimizer, step_size=150, gamma=0.95)

    def minimize(self, loss):
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        return loss.item()


# %% [markdown]
# ## Step
#
# `.detach()` keeps D's loss out of G. G's half calls for no counterpart: it does leave gradients in D, but D's
# `zero_grad()` throws them away before D moves again.

# %%
descent_d, descent_g = Descent(discriminator), Descent(generator)


def train_step(x, z_d, z_g):
    fake = generator(z_d).detach()
    loss_d = descent_d.minimize(discriminator_loss(discriminator(x), discriminator(fake)))
    loss_g = descent_g.minimize(generator_loss(discriminator(generator(z_g))))
    return loss_d, loss_g


# %% [markdown]
# ## Loop
#
# First D learns the density by regression; then the game begins.

# %%
z_shown = torch.linspace(-8, 8, 1000, dtype=torch.float64)[:, None]
positions = torch.linspace(-8, 8, 240, dtype=torch.float64)
losses = {"pretraining": [], "discriminator": [], "generator": []}
frames, boundaries = {}, {}


def look(step):
    with torch.no_grad():
        frames[step] = generator(z_shown).numpy()
        boundaries[step] = discriminator(positions[:, None]).numpy()


pretraining = Descent(discriminator)
for step in range(num_pretraining_steps):
    loss = nn.functional.mse_loss(discriminator(tape["pretrain_input"][step]), tape["pretrain_target"][step])
    losses["pretraining"].append(pretraining.minimize(loss))

for step in range(num_steps):
    if step % 20 == 0:
        look(step)
    loss_d, loss_g = train_step(tape["real"][step], tape["latent_d"][step], tape["latent_g"][step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
look(num_steps)
samples = frames[num_steps]

# %% [markdown]
# ## Picture

# %%
plt.figure(figsize=(5, 3))
bins = np.linspace(-8, 8, 81)
plt.hist(tape["real"][:100].ravel(), bins, density=True, color="0.8", label="real")
plt.hist(samples.ravel(), bins, density=True, color="tab:blue", alpha=0.5, label="generated")
plt.plot(positions, boundaries[num_steps], color="black", label="D(x)")
plt.legend()
plt.show()
