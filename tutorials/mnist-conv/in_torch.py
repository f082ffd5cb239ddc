# %% [markdown]
# # A deep convolutional GAN, in PyTorch

# %% [markdown]
# ## Data
#
# The tape repeats: the digits come in the same order every epoch, and the noise is drawn once and for all.

# %%
from collections import OrderedDict
from copy import deepcopy

import matplotlib.pyplot as plt
import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn

num_steps = 6

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = torch.tensor(tape["real"])  # (steps, batch, 3, 32, 32), from 0 to 1
noise_d = torch.tensor(tape["latent_d"][0])  # (batch, 100, 1, 1)
noise_g = torch.tensor(tape["latent_g"][0])

# %% [markdown]
# ## Model
#
# Images are (batch, channels, height, width), and a transposed convolution's kernel is (in, out, height, width), the
# other way round than a convolution's. `bias=False` before a `BatchNorm2d`: it would take the bias away again.

# %%
up_channels = (100, 768, 384, 192, 96, 48, 24, 12, 6, 3)
up_windows = ((3, 1), (3, 1), (3, 2), (2, 2), (3, 1), (3, 1), (3, 1), (3, 1), (3, 1))  # kernel size, stride
down_channels = (3, 6, 12, 24, 48, 96, 192, 384, 768)
down_windows = ((3, 1), (4, 1), (3, 1), (4, 1), (3, 1), (4, 1), (3, 2), (4, 1))

layers = OrderedDict()
for i, (kernel, stride) in enumerate(up_windows, start=1):
    layers[f"up{i}"] = nn.ConvTranspose2d(up_channels[i - 1], up_channels[i], kernel, stride, bias=False)
    layers[f"norm{i}"] = nn.BatchNorm2d(up_channels[i])
    layers[f"active{i}"] = nn.ReLU() if i < 9 else nn.Sigmoid()
generator = nn.Sequential(layers).double()

layers = OrderedDict()
for i, (kernel, stride) in enumerate(down_windows, start=1):
    layers[f"down{i}"] = nn.Conv2d(down_channels[i - 1], down_channels[i], kernel, stride, bias=i >= 5)
    layers[f"norm{i}"] = nn.BatchNorm2d(down_channels[i])
    layers[f"active{i}"] = nn.LeakyReLU(0.2)
layers["output"] = nn.Conv2d(768, 1, 5)
layers["row"] = nn.Flatten(0)
layers["probability"] = nn.Sigmoid()
discriminator = nn.Sequential(layers).double()


def load(network, prefix):
    found = {name: state.get(f"{prefix}.{name}") for name in network.state_dict()}
    # What the file lacks are BatchNorm's num_batches_tracked, which count passes and change nothing.
    network.load_state_dict({n: torch.tensor(v) for n, v in found.items() if v is not None}, strict=False)


load(generator, "generator")
load(discriminator, "discriminator")

# %% [markdown]
# ## Losses
#
# `BCELoss` takes probabilities and clamps its logarithms at -100, so a D that is sure of itself costs 100 and not
# infinity. It wants targets of the very shape and type of the scores. `Adadelta`'s own learning rate here is 0.001;
# its default, 1.0, is the paper's.

# %%
criterion = nn.BCELoss()
optimizer_d = torch.optim.Adadelta(discriminator.parameters(), lr=0.001, rho=0.9, eps=1e-6)
optimizer_g = torch.optim.Adadelta(generator.parameters(), lr=0.001, rho=0.9, eps=1e-6)

# %% [markdown]
# ## Step
#
# Real and fake go through D in two passes, each normalised by its own statistics: one pass over both together would
# be another function. BatchNorm's running averages move in every forward pass, in D's step and in G's.


# %%
def discriminator_step(x):
    optimizer_d.zero_grad()
    scores_real = discriminator(x)
    scores_fake = discriminator(generator(noise_d).detach())
    loss = criterion(scores_real, torch.ones_like(scores_real))
    loss = loss + criterion(scores_fake, torch.zeros_like(scores_fake))
    loss.backward()
    optimizer_d.step()
    return loss.item()


def generator_step():
    optimizer_g.zero_grad()
    scores = discriminator(generator(noise_g))
    loss = criterion(scores, torch.ones_like(scores))
    loss.backward()
    optimizer_g.step()
    return loss.item()


# %% [markdown]
# ## Loop
#
# D trains in two steps of nine, the first and the sixth.

# %%
losses = {"discriminator": [], "generator": []}
frames = {}


def generate():
    with torch.no_grad():
        return deepcopy(generator)(noise_d).numpy()  # a copy: the running averages are to be training's alone


for step in range(num_steps):
    frames[step] = generate()
    trains_d = step % 9 % 5 == 0
    losses["discriminator"].append(discriminator_step(real[step % len(real)]) if trains_d else float("nan"))
    losses["generator"].append(generator_step())
samples = frames[num_steps] = generate()

# %% [markdown]
# ## Picture

# %%
figure, axes = plt.subplots(2, 5, figsize=(5, 2.2))
for image, panel in zip(samples, axes.flat):
    panel.imshow(image.transpose(1, 2, 0))
    panel.axis("off")
plt.show()
