# %% [markdown]
# # Sine curves from noise, in PyTorch

# %% [markdown]
# ## Data
#
# The real batch is the same sine 64 times over, and the tape stores it once; the noise is new at every step.

# %%
from collections import OrderedDict

import matplotlib.pyplot as plt
import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn

num_steps = 4000

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = torch.tensor(tape["real"][0])  # (64, 16)
noise = torch.tensor(tape["latent_d"])  # (steps, 64, 5)
x_axis = np.linspace(0, 2 * np.pi, 16)

# %% [markdown]
# ## Model

# %%
generator = nn.Sequential(
    OrderedDict(
        hidden1=nn.Linear(5, 64),
        relu1=nn.ReLU(),
        hidden2=nn.Linear(64, 128),
        relu2=nn.ReLU(),
        output=nn.Linear(128, 16),
    )
).double()
discriminator = nn.Sequential(
    OrderedDict(
        hidden1=nn.Linear(16, 64),
        relu1=nn.ReLU(),
        hidden2=nn.Linear(64, 256),
        relu2=nn.ReLU(),
        output=nn.Linear(256, 1),
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
# `torch.log` of exactly 0 is -inf, and its gradient turns the parameters into NaN one step later. A D that is sure of
# itself gets there: in float32, 1 - D(G(z)) is 0 from a logit of 17 on.

# %%
optimizer_g = torch.optim.Adam(generator.parameters(), lr=1e-4)
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=1e-4)


def generator_loss(d_fake):
    return torch.mean(torch.log(1 - d_fake))


def discriminator_loss(d_real, d_fake):
    return -torch.mean(torch.log(d_real) + torch.log(1 - d_fake))


# %% [markdown]
# ## Step
#
# G goes first here, and D is then shown the batch that G made *before* it moved. Leave out `.detach()` and
# `loss_d.backward()` walks into G's graph a second time: "Trying to backward through the graph a second time", says
# PyTorch, and for once the mistake is loud. `retain_graph=True` silences the message, not the mistake.


# %%
def train_step(z):
    fake = generator(z)
    loss_g = generator_loss(discriminator(fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()

    loss_d = discriminator_loss(discriminator(real), discriminator(fake.detach()))
    optimizer_d.zero_grad()  # after G's backward(), which left gradients in D as well
    loss_d.backward()
    optimizer_d.step()
    return loss_d.item(), loss_g.item()


# %% [markdown]
# ## Loop

# %%
losses = {"discriminator": [], "generator": []}
frames = {}


def generate():
    with torch.no_grad():
        return generator(noise[0]).numpy()


for step in range(num_steps):
    if step % 500 == 0:
        frames[step] = generate()
    loss_d, loss_g = train_step(noise[step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
samples = frames[num_steps] = generate()

# %% [markdown]
# ## Picture

# %%
plt.figure(figsize=(5, 3))
plt.plot(x_axis, samples[:16].T, color="tab:blue", alpha=0.4)
plt.plot(x_axis, np.sin(x_axis), color="black", linewidth=2, label="sin x")
plt.legend()
plt.show()
