# %% [markdown]
# # A linear generator in the plane, in TensorFlow

# %% [markdown]
# ## Data
#
# `tape.npz` holds every batch and every draw of noise of the run, `state.safetensors` the initial parameters, in
# float64. Keras makes float32 layers unless told otherwise, and casts what it is fed to its own type without a word;
# hence `set_floatx` before the first layer.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

keras.config.set_floatx("float64")

num_steps = 2500

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = tf.constant(tape["real"])  # (steps, 4, 2)
noise = tf.constant(tape["latent_d"])  # (steps, 4, 2)

# %% [markdown]
# ## Model
#
# A `Dense` layer keeps its kernel as (in, out), the transpose of the file's (out, in). For a square layer like G's
# the wrong one fits just as well, and nothing complains.

# %%
generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="output")])
discriminator = keras.Sequential(
    [
        keras.Input((2,)),
        keras.layers.Dense(5, activation="tanh", name="hidden1"),
        keras.layers.Dense(3, activation="tanh", name="hidden2"),
        keras.layers.Dense(2, name="output"),  # two logits: class 0 is fake, class 1 is real
    ]
)


def load(network, prefix):
    for layer in network.layers:
        name = f"{prefix}.{layer.name}"
        layer.set_weights([state[f"{name}.weight"].T, state[f"{name}.bias"]])


load(generator, "generator")
load(discriminator, "discriminator")

# %% [markdown]
# ## Losses
#
# Keras's `Adam` is not the paper's: its ε is 1e-7 by default and is added *before* the bias correction. Nor is it
# exact in float64: it converts β₂ by `tf.cast(0.999, …)`, and that goes through float32. A number that meets a tensor
# in plain arithmetic takes the tensor's type instead, so the step is written out.

# %%
cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class PaperAdam(keras.optimizers.Adam):
    def update_step(self, gradient, variable, learning_rate):
        t = tf.cast(self.iterations + 1, variable.dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        mean.assign(0.9 * mean + (1 - 0.9) * gradient)
        square.assign(0.999 * square + (1 - 0.999) * gradient**2)
        corrected = tf.sqrt(square / (1 - 0.999**t))
        variable.assign_sub(learning_rate * (mean / (1 - 0.9**t)) / (corrected + 1e-8))


optimizer_d = PaperAdam(learning_rate=0.05)
optimizer_g = PaperAdam(learning_rate=0.01)
optimizer_d.build(discriminator.trainable_variables)  # a tf.function may not make variables after its first call
optimizer_g.build(generator.trainable_variables)

# %% [markdown]
# ## Step
#
# A `GradientTape` records what happens to variables inside its block, and gradients are asked for by name: nothing is
# cut and nothing accumulates, since D's gradients are those that `gradient(loss_d, …)` is asked for. `tf.function`
# traces the Python code once for each *signature*: it is fed tensors here. A Python number as an argument would be a
# new signature at every step, a new trace, and a very slow program.


# %%
@tf.function
def train_step(x, z):
    ones = tf.ones(x.shape[0], dtype=tf.int64)
    zeros = tf.zeros(x.shape[0], dtype=tf.int64)

    fake = generator(z)
    with tf.GradientTape() as tape_d:
        loss_d = cross_entropy(zeros, discriminator(fake)) + cross_entropy(ones, discriminator(x))
    gradients = tape_d.gradient(loss_d, discriminator.trainable_variables)
    optimizer_d.apply_gradients(zip(gradients, discriminator.trainable_variables))

    with tf.GradientTape() as tape_g:
        loss_g = cross_entropy(ones, discriminator(generator(z)))  # D has moved; the tape needs G's pass inside it
    gradients = tape_g.gradient(loss_g, generator.trainable_variables)
    optimizer_g.apply_gradients(zip(gradients, generator.trainable_variables))
    return loss_d, loss_g


# %% [markdown]
# ## Loop

# %%
z_shown = tf.reshape(noise[:200], (-1, 2))
losses = {"discriminator": [], "generator": []}
frames = {}

for step in range(num_steps):
    if step % 250 == 0:
        frames[step] = generator(z_shown).numpy()
    loss_d, loss_g = train_step(real[step], noise[step])
    losses["discriminator"].append(float(loss_d))
    losses["generator"].append(float(loss_g))
samples = frames[num_steps] = generator(z_shown).numpy()

# %% [markdown]
# ## Picture

# %%
points = tape["real"][:200].reshape(-1, 2)
plt.figure(figsize=(5, 4))
plt.scatter(points[:, 0], points[:, 1], s=6, color="0.7", label="real")
plt.scatter(samples[:, 0], samples[:, 1], s=6, color="tab:blue", label="generated")
plt.legend()
plt.show()
print("mean", samples.mean(axis=0), "where the real one is [1, 2]")
print("covariance", np.cov(samples.T).round(3).tolist())
