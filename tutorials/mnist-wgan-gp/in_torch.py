# %% [markdown]
# # Wasserstein distance and gradient penalty, in PyTorch

# %% [markdown]
# ## Data
#
# `mix` holds, for each real sample, how far along the line to its fake the penalty looks.

# %%
from collections import OrderedDict
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn

num_steps = 60

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = torch.tensor(tape["real"])  # (steps, 64, 1, 28, 28), from -1 to 1
noise = torch.tensor(tape["latent_d"])  # (steps, 64, 100)
mix = torch.tensor(tape["mix"])  # (steps, 64, 1, 1, 1)

# %% [markdown]
# ## Model
#
# `BatchNorm1d(256, 0.8)` is the published program's: 0.8 was meant as a momentum, as Keras counts it, and landed in
# PyTorch's second argument, which is ε. It ran like that, so it is kept. In PyTorch `momentum` weights the *new*
# value. D has no batch normalisation: the penalty is about each sample's own gradient.


# %%
def block(number, width_in, width_out):
    return {
        f"linear{number}": nn.Linear(width_in, width_out),
        f"norm{number}": nn.BatchNorm1d(width_out, 0.8),
        f"leaky{number}": nn.LeakyReLU(0.2),
    }


generator = nn.Sequential(
    OrderedDict(
        linear1=nn.Linear(100, 128),
        leaky1=nn.LeakyReLU(0.2),
        **block(2, 128, 256),
        **block(3, 256, 512),
        **block(4, 512, 1024),
        linear5=nn.Linear(1024, 28 * 28),
        tanh=nn.Tanh(),
        image=nn.Unflatten(1, (1, 28, 28)),
    )
).double()
discriminator = nn.Sequential(
    OrderedDict(
        row=nn.Flatten(),
        linear1=nn.Linear(28 * 28, 512),
        leaky1=nn.LeakyReLU(0.2),
        linear2=nn.Linear(512, 256),
        leaky2=nn.LeakyReLU(0.2),
        linear3=nn.Linear(256, 1),  # a score, not a probability
    )
).double()


def load(network, prefix):
    found = {name: state.get(f"{prefix}.{name}") for name in network.state_dict()}
    # What the file lacks are BatchNorm's num_batches_tracked, which count passes and change nothing.
    network.load_state_dict({n: torch.tensor(v) for n, v in found.items() if v is not None}, strict=False)


load(generator, "generator")
load(discriminator, "discriminator")

# %% [markdown]
# ## Losses
#
# The penalty is a loss made of a gradient, so it is differentiated twice: `create_graph=True` records the gradient's
# own computation. Without it the penalty is a constant to `backward()`, training goes on, and nothing says why it
# fails. `dim=1` is the channel, so this norm is |g| of each pixel, as published; the paper's is one norm a sample,
# `gradient.flatten(1).norm(2, dim=1)`.


# %%
def gradient_penalty(x, fake, r):
    mixed = (r * x + (1 - r) * fake).requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(mixed).sum(), mixed, create_graph=True)
    return ((gradient.norm(2, dim=1) - 1) ** 2).mean()


optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.004)
optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.001)

# %% [markdown]
# ## Step


# %%
def train_step(x, z, r):
    optimizer_d.zero_grad()
    fake = generator(z).detach()
    loss_d = -discriminator(x).mean() + discriminator(fake).mean() + 10 * gradient_penalty(x, fake, r)
    loss_d.backward()
    optimizer_d.step()

    optimizer_g.zero_grad()
    loss_g = -discriminator(generator(z)).mean()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


# %% [markdown]
# ## Loop
#
# G stays in training mode for the pictures: `eval()` would normalise by the running averages, which after so few
# steps are still near where they began.

# %%
losses = {"discriminator": [], "generator": []}
frames = {}


def generate():
    with torch.no_grad():
        return deepcopy(generator)(noise[0]).numpy()  # a copy: the running averages are to be training's alone


for step in range(num_steps):
    if step % 12 == 0:
        frames[step] = generate()
    loss_d, loss_g = train_step(real[step], noise[step], mix[step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
samples = frames[num_steps] = generate()

# %% [markdown]
# ## Picture

# %%
figure, axes = plt.subplots(2, 8, figsize=(6, 1.7))
for image, panel in zip(samples[:, 0], axes.flat):
    panel.imshow(image, cmap="gray", vmin=-1, vmax=1)
    panel.axis("off")
plt.show()
