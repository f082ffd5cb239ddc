# %% [markdown]
# # A linear generator in the plane, in PyTorch

# %% [markdown]
# ## Data
#
# `tape.npz` holds every batch and every draw of noise of the run, `state.safetensors` the initial parameters. They
# are in float64, and so is all that follows: `torch.tensor` keeps NumPy's type, while a fresh layer is float32 until
# `.double()` is called.

# %%
from collections import OrderedDict

import matplotlib.pyplot as plt
import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn

num_steps = 2500

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = torch.tensor(tape["real"])  # (steps, 4, 2)
noise = torch.tensor(tape["latent_d"])  # (steps, 4, 2)

# %% [markdown]
# ## Model
#
# Named layers give the parameters the names that they have in the file, so `load_state_dict` fits without a word
# more. It insists on every name, and that is what you want: a layer left at its own random values is a silent
# mistake.

# %%
generator = nn.Sequential(OrderedDict(output=nn.Linear(2, 2))).double()
discriminator = nn.Sequential(
    OrderedDict(
        hidden1=nn.Linear(2, 5),
        tanh1=nn.Tanh(),
        hidden2=nn.Linear(5, 3),
        tanh2=nn.Tanh(),
        output=nn.Linear(3, 2),  # two logits: class 0 is fake, class 1 is real
    )
).double()


def load(network, prefix):
    network.load_state_dict({name: torch.tensor(state[f"{prefix}.{name}"]) for name in network.state_dict()})


load(generator, "generator")
load(discriminator, "discriminator")

# %% [markdown]
# ## Losses
#
# `nn.CrossEntropyLoss` takes logits, not probabilities, and class numbers, not one-hot rows. PyTorch's `Adam` is the
# paper's: ε = 1e-8 comes after the bias correction.

# %%
cross_entropy = nn.CrossEntropyLoss()
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.05)
optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.01)

# %% [markdown]
# ## Step
#
# Two PyTorch habits carry the alternation. `fake.detach()` cuts the graph, so that D's loss does not reach G.
# `zero_grad()` comes before each `backward()`, because gradients *add up* in `.grad`: G's loss below leaves gradients
# in D's parameters too, and they must be gone by D's next step.


# %%
def train_step(x, z):
    ones = torch.ones(len(x), dtype=torch.long)
    zeros = torch.zeros(len(x), dtype=torch.long)

    optimizer_d.zero_grad()
    fake = generator(z)
    loss_d = cross_entropy(discriminator(fake.detach()), zeros) + cross_entropy(discriminator(x), ones)
    loss_d.backward()
    optimizer_d.step()

    optimizer_g.zero_grad()
    loss_g = cross_entropy(discriminator(fake), ones)  # D has moved, the fake points have not
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


# %% [markdown]
# ## Loop
#
# `torch.no_grad()` around what only looks: without it each picture would keep its graph in memory.

# %%
z_shown = noise[:200].reshape(-1, 2)
losses = {"discriminator": [], "generator": []}
frames = {}


def generate():
    with torch.no_grad():
        return generator(z_shown).numpy()


for step in range(num_steps):
    if step % 250 == 0:
        frames[step] = generate()
    loss_d, loss_g = train_step(real[step], noise[step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
samples = frames[num_steps] = generate()

# %% [markdown]
# ## Picture

# %%
points = real[:200].reshape(-1, 2)
plt.figure(figsize=(5, 4))
plt.scatter(points[:, 0], points[:, 1], s=6, color="0.7", label="real")
plt.scatter(samples[:, 0], samples[:, 1], s=6, color="tab:blue", label="generated")
plt.legend()
plt.show()
print("mean", samples.mean(axis=0), "where the real one is [1, 2]")
print("covariance", np.cov(samples.T).round(3).tolist())
