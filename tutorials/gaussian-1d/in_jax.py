# %% [markdown]
# # A bell curve, in JAX

# %% [markdown]
# ## Data
#
# Everything random is on the tape: inputs and targets of the pretraining, real samples, noise for D's half of a step
# and noise for G's. JAX draws random numbers from keys that one passes along; this program needs none.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from safetensors.numpy import load_file

jax.config.update("jax_enable_x64", True)

num_pretraining_steps = 1000
num_steps = 1200

tape = {name: jnp.asarray(values) for name, values in np.load("tape.npz").items()}  # (steps, 12, 1) each, float64
state = load_file("state.safetensors")

# %% [markdown]
# ## Model
#
# A network is a function of its parameters and its input. `jax.nn.softplus` is `logaddexp(x, 0)`, which is exact for
# every x.


# %%
def linear(parameters, name, inputs):
    return inputs @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]


def generator(parameters, z):
    return linear(parameters, "output", jax.nn.softplus(linear(parameters, "hidden", z)))


def discriminator(parameters, x):
    hidden = jnp.tanh(linear(parameters, "hidden1", x))
    hidden = jnp.tanh(linear(parameters, "hidden2", hidden))
    hidden = jnp.tanh(linear(parameters, "hidden3", hidden))
    return jax.nn.sigmoid(linear(parameters, "output", hidden))


def load(prefix):
    return {n.removeprefix(f"{prefix}."): jnp.asarray(v) for n, v in state.items() if n.startswith(f"{prefix}.")}


parameters_g, parameters_d = load("generator"), load("discriminator")

# %% [markdown]
# ## Losses
#
# The losses are written as in the paper. In optax a learning rate may be a function of the number of updates, which the
# optimizer's state counts. optax has this one ready, `exponential_decay(0.005, 150, 0.95, staircase=True)`, but divides
# a counter of 32 bits there, and JAX makes float32 of that quotient whatever the parameters are: in float64 the losses
# are off from the eleventh digit on.


# %%
def discriminator_loss(d_real, d_fake):
    return jnp.mean(-jnp.log(d_real) - jnp.log(1 - d_fake))


def generator_loss(d_fake):
    return jnp.mean(-jnp.log(d_fake))


descent = optax.sgd(lambda num_updates: 0.005 * 0.95 ** (num_updates // 150))


def descend(loss_of, player):
    parameters, counter = player
    loss, gradients = jax.value_and_grad(loss_of)(parameters)
    updates, counter = descent.update(gradients, counter)
    return (optax.apply_updates(parameters, updates), counter), loss


# %% [markdown]
# ## Step
#
# `descend` is ordinary Python, traced into the two steps. Each lambda says by its argument what is differentiated: D's
# loss has `fake` as a constant, G's has D's new parameters.


# %%
@jax.jit
def pretrain_step(player_d, x, density):
    return descend(lambda d: jnp.mean((discriminator(d, x) - density) ** 2), player_d)


@jax.jit
def train_step(player_d, player_g, x, z_d, z_g):
    fake = generator(player_g[0], z_d)
    player_d, loss_d = descend(lambda d: discriminator_loss(discriminator(d, x), discriminator(d, fake)), player_d)
    player_g, loss_g = descend(lambda g: generator_loss(discriminator(player_d[0], generator(g, z_g))), player_g)
    return player_d, player_g, loss_d, loss_g


# %% [markdown]
# ## Loop
#
# First D learns the density by regression; then the game begins. `init` gives each its own counter, so that the rate
# starts anew for the game.

# %%
z_shown = jnp.linspace(-8, 8, 1000)[:, None]
positions = jnp.linspace(-8, 8, 240)
losses = {"pretraining": [], "discriminator": [], "generator": []}
frames, boundaries = {}, {}


def look(step):
    frames[step] = np.asarray(generator(player_g[0], z_shown))
    boundaries[step] = np.asarray(discriminator(player_d[0], positions[:, None]))


player_d = parameters_d, descent.init(parameters_d)
for step in range(num_pretraining_steps):
    x, density = tape["pretrain_input"][step], tape["pretrain_target"][step]
    player_d, loss = pretrain_step(player_d, x, density)
    losses["pretraining"].append(loss)

parameters_d, _ = player_d
player_d = parameters_d, descent.init(parameters_d)
player_g = parameters_g, descent.init(parameters_g)
for step in range(num_steps):
    if step % 20 == 0:
        look(step)
    x, z_d, z_g = tape["real"][step], tape["latent_d"][step], tape["latent_g"][step]
    player_d, player_g, loss_d, loss_g = train_step(player_d, player_g, x, z_d, z_g)
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
look(num_steps)
samples = frames[num_steps]
losses = {name: np.array(values) for name, values in losses.items()}

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
