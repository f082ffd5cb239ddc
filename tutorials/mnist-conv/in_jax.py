# %% [markdown]
# # A deep convolutional GAN, in JAX

# %% [markdown]
# ## Data
#
# The tape repeats: the digits come in the same order every epoch, and the noise is drawn once and for all.

# %%
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from safetensors.numpy import load_file

jax.config.update("jax_enable_x64", True)

num_steps = 6

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = jnp.asarray(tape["real"])  # (steps, batch, 3, 32, 32), from 0 to 1
noise_d = jnp.asarray(tape["latent_d"][0])  # (batch, 100, 1, 1)
noise_g = jnp.asarray(tape["latent_g"][0])

# %% [markdown]
# ## Model
#
# `lax.conv` takes images (batch, channels, height, width) and kernels (out, in, height, width); other layouts are a
# matter of `dimension_numbers`. `lax.conv_transpose` does not turn the kernel round unless it is told to with
# `transpose_kernel=True`, which also swaps the kernel's channels, so that the file's (in, out, height, width) counts
# as (out, in, …): "OIHW". Its `padding="VALID"` is no padding. The batch normalisation is by the batch at hand, always;
# its running averages are never read in this GAN, and are left out.
#
# In float64 this takes minutes: on a processor XLA has fast convolutions of float32 alone.

# %%
up_windows = ((3, 1), (3, 1), (3, 2), (2, 2), (3, 1), (3, 1), (3, 1), (3, 1), (3, 1))  # kernel size, stride
down_windows = ((3, 1), (4, 1), (3, 1), (4, 1), (3, 1), (4, 1), (3, 2), (4, 1))
layout = ("NCHW", "OIHW", "NCHW")


def batch_norm(parameters, name, images):
    weight, bias = (parameters[f"{name}.{part}"][:, None, None] for part in ("weight", "bias"))
    mean, variance = (moment(images, axis=(0, 2, 3), keepdims=True) for moment in (jnp.mean, jnp.var))
    return (images - mean) * (weight / jnp.sqrt(variance + 1e-5)) + bias


def convolve(parameters, name, images, stride):
    images = jax.lax.conv(images, parameters[f"{name}.weight"], (stride, stride), "VALID")
    bias = parameters.get(f"{name}.bias")
    return images if bias is None else images + bias[:, None, None]


def generator(parameters, z):
    images = z
    for i, (_, stride) in enumerate(up_windows, start=1):
        kernel = parameters[f"up{i}.weight"]
        images = jax.lax.conv_transpose(
            images, kernel, (stride, stride), "VALID", dimension_numbers=layout, transpose_kernel=True
        )
        images = batch_norm(parameters, f"norm{i}", images)
        images = jax.nn.relu(images) if i < 9 else jax.nn.sigmoid(images)
    return images


def discriminator(parameters, x):
    images = x
    for i, (_, stride) in enumerate(down_windows, start=1):
        images = batch_norm(parameters, f"norm{i}", convolve(parameters, f"down{i}", images, stride))
        images = jnp.where(images > 0, images, 0.2 * images)
    return jax.nn.sigmoid(convolve(parameters, "output", images, 1).ravel())


def load(prefix):
    found = {n.removeprefix(f"{prefix}."): jnp.asarray(v) for n, v in state.items() if n.startswith(f"{prefix}.")}
    return {name: value for name, value in found.items() if ".running_" not in name}


parameters_g, parameters_d = load("generator"), load("discriminator")

# %% [markdown]
# ## Losses
#
# optax's `sigmoid_binary_cross_entropy` takes logits, and D here ends in a sigmoid, so the loss is written out, with
# PyTorch's clamp of the logarithm at -100. `adadelta` has no learning rate of its own: the default, None, is 1.


# %%
def binary_cross_entropy(probability, label):
    logarithm = jnp.log(probability) if label == 1 else jnp.log1p(-probability)
    return -jnp.mean(jnp.maximum(logarithm, -100))


adadelta = optax.adadelta(0.001, rho=0.9, eps=1e-6)
averages_d, averages_g = adadelta.init(parameters_d), adadelta.init(parameters_g)

# %% [markdown]
# ## Step
#
# Real and fake go through D in two passes, each normalised by its own statistics: one pass over both together would
# be another function. D trains in some steps only, so each half is jitted by itself: a Python `if` in a jitted
# function is decided once, when it is traced.


# %%
@jax.jit
def discriminator_step(parameters_d, averages_d, parameters_g, x):
    fake = generator(parameters_g, noise_d)

    def loss_of(parameters):
        loss = binary_cross_entropy(discriminator(parameters, x), 1)
        return loss + binary_cross_entropy(discriminator(parameters, fake), 0)

    loss, gradients = jax.value_and_grad(loss_of)(parameters_d)
    updates, averages_d = adadelta.update(gradients, averages_d, parameters_d)
    return optax.apply_updates(parameters_d, updates), averages_d, loss


@jax.jit
def generator_step(parameters_g, averages_g, parameters_d):
    def loss_of(parameters):
        return binary_cross_entropy(discriminator(parameters_d, generator(parameters, noise_g)), 1)

    loss, gradients = jax.value_and_grad(loss_of)(parameters_g)
    updates, averages_g = adadelta.update(gradients, averages_g, parameters_g)
    return optax.apply_updates(parameters_g, updates), averages_g, loss


# %% [markdown]
# ## Loop
#
# D trains in two steps of nine, the first and the sixth.

# %%
losses = {"discriminator": [], "generator": []}
frames = {}

for step in range(num_steps):
    frames[step] = jax.jit(generator)(parameters_g, noise_d)
    loss_d = np.nan
    if step % 9 % 5 == 0:
        parameters_d, averages_d, loss_d = discriminator_step(
            parameters_d, averages_d, parameters_g, real[step % len(real)]
        )
    parameters_g, averages_g, loss_g = generator_step(parameters_g, averages_g, parameters_d)
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
samples = frames[num_steps] = jax.jit(generator)(parameters_g, noise_d)
losses = {name: np.array(values) for name, values in losses.items()}

# %% [markdown]
# ## Picture

# %%
figure, axes = plt.subplots(2, 5, figsize=(5, 2.2))
for image, panel in zip(samples, axes.flat):
    panel.imshow(image.transpose(1, 2, 0))
    panel.axis("off")
plt.show()
