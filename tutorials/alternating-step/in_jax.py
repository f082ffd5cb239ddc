# %% [markdown]
# # The alternating step, in JAX

# %% [markdown]
# ## Data
#
# `tape.npz` holds every batch and every draw of noise of the run, `state.safetensors` the initial parameters. They
# are in float64, of which JAX makes float32 without a word unless `jax_enable_x64` is set, before any array is made.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from safetensors.numpy import load_file

jax.config.update("jax_enable_x64", True)

num_steps = 20

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = jnp.asarray(tape["real"])  # (steps, 4, 2)
noise = jnp.asarray(tape["latent_d"])  # (steps, 4, 2)

# %% [markdown]
# ## Model
#
# JAX has no modules: a network is a function, and its parameters are an argument, here a dictionary with the names
# of the file.


# %%
def linear(parameters, name, inputs):
    return inputs @ parameters[f"{name}.weight"].T + parameters[f"{name}.bias"]


def generator(parameters, z):
    return linear(parameters, "output", z)


def discriminator(parameters, x):
    hidden = jnp.tanh(linear(parameters, "hidden1", x))
    hidden = jnp.tanh(linear(parameters, "hidden2", hidden))
    return linear(parameters, "output", hidden)  # two logits: class 0 is fake, class 1 is real


def load(prefix):
    return {n.removeprefix(f"{prefix}."): jnp.asarray(v) for n, v in state.items() if n.startswith(f"{prefix}.")}


parameters_g, parameters_d = load("generator"), load("discriminator")

# %% [markdown]
# ## Losses
#
# JAX itself has neither losses nor optimizers; optax has both. Its losses return one number a sample and leave the
# mean to you. Its `adam` is the paper's: ε = 1e-8 comes after the bias correction. The optimizers hold nothing: their
# moments are values as well, made by `init`.


# %%
def cross_entropy(logits, label):
    labels = jnp.full(len(logits), label)
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


adam_d, adam_g = optax.adam(0.05), optax.adam(0.01)
player_d = parameters_d, adam_d.init(parameters_d)
player_g = parameters_g, adam_g.init(parameters_g)

# %% [markdown]
# ## Step
#
# Nothing is changed in place: a step takes everything that it moves and returns it. `value_and_grad` differentiates by
# its first argument and takes the others as constants, so D's loss cannot reach G, and no gradient is left anywhere.
# `jax.jit` compiles the step when it is first called.


# %%
@jax.jit
def train_step(player_d, player_g, x, z):
    (parameters_d, moments_d), (parameters_g, moments_g) = player_d, player_g
    fake = generator(parameters_g, z)

    def loss_of_d(parameters):
        return cross_entropy(discriminator(parameters, fake), 0) + cross_entropy(discriminator(parameters, x), 1)

    loss_d, gradients = jax.value_and_grad(loss_of_d)(parameters_d)
    updates, moments_d = adam_d.update(gradients, moments_d)
    parameters_d = optax.apply_updates(parameters_d, updates)

    def loss_of_g(parameters):
        return cross_entropy(discriminator(parameters_d, generator(parameters, z)), 1)  # D has moved

    loss_g, gradients = jax.value_and_grad(loss_of_g)(parameters_g)
    updates, moments_g = adam_g.update(gradients, moments_g)
    parameters_g = optax.apply_updates(parameters_g, updates)
    return (parameters_d, moments_d), (parameters_g, moments_g), loss_d, loss_g


# %% [markdown]
# ## Loop
#
# JAX works ahead: a call returns before its numbers are there. They are read once, at the end; a `float(loss_d)` in
# every step would wait for each.

# %%
z_shown = noise[:num_steps].reshape(-1, 2)
losses = {"discriminator": [], "generator": []}
frames = {}

for step in range(num_steps):
    if step % 5 == 0:
        frames[step] = generator(player_g[0], z_shown)
    player_d, player_g, loss_d, loss_g = train_step(player_d, player_g, real[step], noise[step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
samples = frames[num_steps] = generator(player_g[0], z_shown)
losses = {name: np.array(values) for name, values in losses.items()}

# %% [markdown]
# ## Picture
#
# The first losses to the last digit: compare them with another framework's.

# %%
plt.figure(figsize=(5, 3))
plt.plot(losses["discriminator"], marker=".", label="loss of D")
plt.plot(losses["generator"], marker=".", label="loss of G")
plt.xlabel("step")
plt.legend()
plt.show()
for step in range(3):
    print(f"step {step}: D {float(losses['discriminator'][step])!r:22} G {float(losses['generator'][step])!r}")
