# %% [markdown]
# # Wasserstein distance and gradient penalty, in JAX

# %% [markdown]
# ## Data
#
# `mix` holds, for each real sample, how far along the line to its fake the penalty looks.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from safetensors.numpy import load_file

jax.config.update("jax_enable_x64", True)

num_steps = 60

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = jnp.asarray(tape["real"])  # (steps, 64, 1, 28, 28), from -1 to 1
noise = jnp.asarray(tape["latent_d"])  # (steps, 64, 100)
mix = jnp.asarray(tape["mix"])  # (steps, 64, 1, 1, 1)

# %% [markdown]
# ## Model
#
# Batch normalisation is a few lines, and as published its ε is 0.8: a momentum, as Keras counts it, that landed in the
# wrong argument. The running averages are never read in this GAN, and a pure function cannot move them on the quiet, so
# they are left out. D has no batch normalisation: the penalty is about each sample's own gradient.


# %%
def linear(parameters, name, inputs):
    return inputs @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]


def batch_norm(parameters, name, inputs):
    scale = parameters[f"{name}.weight"] / jnp.sqrt(inputs.var(axis=0) + 0.8)
    return (inputs - inputs.mean(axis=0)) * scale + parameters[f"{name}.bias"]


def leaky_relu(inputs):
    return jnp.where(inputs > 0, inputs, 0.2 * inputs)


def generator(parameters, z):
    hidden = leaky_relu(linear(parameters, "linear1", z))
    for i in (2, 3, 4):
        hidden = leaky_relu(batch_norm(parameters, f"norm{i}", linear(parameters, f"linear{i}", hidden)))
    return jnp.tanh(linear(parameters, "linear5", hidden)).reshape(-1, 1, 28, 28)


def discriminator(parameters, x):
    hidden = leaky_relu(linear(parameters, "linear1", x.reshape(len(x), -1)))
    hidden = leaky_relu(linear(parameters, "linear2", hidden))
    return linear(parameters, "linear3", hidden)  # a score, not a probability


def load(prefix):
    found = {n.removeprefix(f"{prefix}."): jnp.asarray(v) for n, v in state.items() if n.startswith(f"{prefix}.")}
    return {name: value for name, value in found.items() if ".running_" not in name}


parameters_g, parameters_d = load("generator"), load("discriminator")

# %% [markdown]
# ## Losses
#
# The penalty is a loss made of a gradient, so it is differentiated twice: `jax.grad` inside a function that
# `value_and_grad` differentiates, and nothing more to say. `axis=1` is the channel, so this norm is |g| of each pixel,
# as published; the paper's is one norm a sample. A norm's gradient at exactly 0 is NaN in JAX; `abs`, which has 0
# there, is the norm of one channel.


# %%
def gradient_penalty(parameters_d, x, fake, r):
    mixed = r * x + (1 - r) * fake
    gradient = jax.grad(lambda samples: discriminator(parameters_d, samples).sum())(mixed)
    return ((jnp.abs(gradient).sum(axis=1) - 1) ** 2).mean(axis=(1, 2)).mean()


adam_d, adam_g = optax.adam(0.004), optax.adam(0.001)
player_d = parameters_d, adam_d.init(parameters_d)
player_g = parameters_g, adam_g.init(parameters_g)

# %% [markdown]
# ## Step


# %%
@jax.jit
def train_step(player_d, player_g, x, z, r):
    (parameters_d, moments_d), (parameters_g, moments_g) = player_d, player_g
    fake = generator(parameters_g, z)

    def loss_of_d(parameters):
        scores = -discriminator(parameters, x).mean() + discriminator(parameters, fake).mean()
        return scores + 10 * gradient_penalty(parameters, x, fake, r)

    loss_d, gradients = jax.value_and_grad(loss_of_d)(parameters_d)
    updates, moments_d = adam_d.update(gradients, moments_d)
    parameters_d = optax.apply_updates(parameters_d, updates)

    def loss_of_g(parameters):
        return -discriminator(parameters_d, generator(parameters, z)).mean()

    loss_g, gradients = jax.value_and_grad(loss_of_g)(parameters_g)
    updates, moments_g = adam_g.update(gradients, moments_g)
    parameters_g = optax.apply_updates(parameters_g, updates)
    return (parameters_d, moments_d), (parameters_g, moments_g), loss_d, loss_g


# %% [markdown]
# ## Loop

# %%
losses = {"discriminator": [], "generator": []}
frames = {}

for step in range(num_steps):
    if step % 12 == 0:
        frames[step] = generator(player_g[0], noise[0])
    player_d, player_g, loss_d, loss_g = train_step(player_d, player_g, real[step], noise[step], mix[step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
samples = frames[num_steps] = generator(player_g[0], noise[0])
losses = {name: np.array(values) for name, values in losses.items()}

# %% [markdown]
# ## Picture

# %%
figure, axes = plt.subplots(2, 8, figsize=(6, 1.7))
for image, panel in zip(samples[:, 0], axes.flat):
    panel.imshow(image, cmap="gray", vmin=-1, vmax=1)
    panel.axis("off")
plt.show()
