# %% [markdown]
# # Sine curves from noise, in JAX

# %% [markdown]
# ## Data
#
# A batch of real curves is one curve, 64 times. `jnp.asarray` keeps NumPy's float64 only where `jax_enable_x64` is set.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from safetensors.numpy import load_file

jax.config.update("jax_enable_x64", True)

num_steps = 4000

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = jnp.asarray(tape["real"][0])  # (64, 16)
noise = jnp.asarray(tape["latent_d"])  # (steps, 64, 5)
x_axis = np.linspace(0, 2 * np.pi, 16)

# %% [markdown]
# ## Model
#
# `jax.nn.relu` has the gradient 0 at 0. `jnp.maximum(x, 0)` looks the same and has a half there, since JAX shares a
# gradient between two that are equal.


# %%
def linear(parameters, name, inputs):
    return inputs @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]


def generator(parameters, z):
    hidden = jax.nn.relu(linear(parameters, "hidden1", z))
    return linear(parameters, "output", jax.nn.relu(linear(parameters, "hidden2", hidden)))


def discriminator(parameters, x):
    hidden = jax.nn.relu(linear(parameters, "hidden1", x))
    return jax.nn.sigmoid(linear(parameters, "output", jax.nn.relu(linear(parameters, "hidden2", hidden))))


def load(prefix):
    return {n.removeprefix(f"{prefix}."): jnp.asarray(v) for n, v in state.items() if n.startswith(f"{prefix}.")}


parameters_g, parameters_d = load("generator"), load("discriminator")

# %% [markdown]
# ## Losses
#
# `jnp.log` of exactly 0 is -inf, and its gradient turns the parameters into NaN one step later.
# `jax.config.update("jax_debug_nans", True)` stops at the operation that made the first NaN.


# %%
def generator_loss(d_fake):
    return jnp.mean(jnp.log(1 - d_fake))


def discriminator_loss(d_real, d_fake):
    return -jnp.mean(jnp.log(d_real) + jnp.log(1 - d_fake))


adam = optax.adam(1e-4)
player_g = parameters_g, adam.init(parameters_g)
player_d = parameters_d, adam.init(parameters_d)

# %% [markdown]
# ## Step
#
# G goes first here, and D is then shown the batch that G made *before* it moved. With values instead of graphs that
# takes one name: `fake` is made from the old parameters, and stays what it is when they are replaced.


# %%
@jax.jit
def train_step(player_g, player_d, z):
    (parameters_g, moments_g), (parameters_d, moments_d) = player_g, player_d

    def loss_of_g(parameters):
        fake = generator(parameters, z)
        return generator_loss(discriminator(parameters_d, fake)), fake

    (loss_g, fake), gradients = jax.value_and_grad(loss_of_g, has_aux=True)(parameters_g)
    updates, moments_g = adam.update(gradients, moments_g)
    parameters_g = optax.apply_updates(parameters_g, updates)

    def loss_of_d(parameters):
        return discriminator_loss(discriminator(parameters, real), discriminator(parameters, fake))

    loss_d, gradients = jax.value_and_grad(loss_of_d)(parameters_d)
    updates, moments_d = adam.update(gradients, moments_d)
    parameters_d = optax.apply_updates(parameters_d, updates)
    return (parameters_g, moments_g), (parameters_d, moments_d), loss_d, loss_g


# %% [markdown]
# ## Loop

# %%
losses = {"discriminator": [], "generator": []}
frames = {}

for step in range(num_steps):
    if step % 500 == 0:
        frames[step] = generator(player_g[0], noise[0])
    player_g, player_d, loss_d, loss_g = train_step(player_g, player_d, noise[step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
samples = frames[num_steps] = generator(player_g[0], noise[0])
losses = {name: np.array(values) for name, values in losses.items()}

# %% [markdown]
# ## Picture

# %%
plt.figure(figsize=(5, 3))
plt.plot(x_axis, samples[:16].T, color="tab:blue", alpha=0.4)
plt.plot(x_axis, np.sin(x_axis), color="black", linewidth=2, label="sin x")
plt.legend()
plt.show()
