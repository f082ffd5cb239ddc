# %% [markdown]
# # Sine curves from noise, in TensorFlow

# %% [markdown]
# ## Data
#
# The real batch is the same sine 64 times over, and the tape stores it once; the noise is new at every step.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

keras.config.set_floatx("float64")

num_steps = 4000

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = tf.constant(tape["real"][0])  # (64, 16)
noise = tf.constant(tape["latent_d"])  # (steps, 64, 5)
x_axis = np.linspace(0, 2 * np.pi, 16)

# %% [markdown]
# ## Model

# %%
generator = keras.Sequential(
    [
        keras.Input((5,)),
        keras.layers.Dense(64, activation="relu", name="hidden1"),
        keras.layers.Dense(128, activation="relu", name="hidden2"),
        keras.layers.Dense(16, name="output"),
    ]
)
discriminator = keras.Sequential(
    [
        keras.Input((16,)),
        keras.layers.Dense(64, activation="relu", name="hidden1"),
        keras.layers.Dense(256, activation="relu", name="hidden2"),
        keras.layers.Dense(1, activation="sigmoid", name="output"),
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
# As in the plane, Adam is written out: Keras's own has its ε elsewhere and rounds β to float32.


# %%
def generator_loss(d_fake):
    return tf.reduce_mean(tf.math.log(1 - d_fake))


def discriminator_loss(d_real, d_fake):
    return -tf.reduce_mean(tf.math.log(d_real) + tf.math.log(1 - d_fake))


class PaperAdam(keras.optimizers.Adam):
    def update_step(self, gradient, variable, learning_rate):
        t = tf.cast(self.iterations + 1, variable.dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        mean.assign(0.9 * mean + (1 - 0.9) * gradient)
        square.assign(0.999 * square + (1 - 0.999) * gradient**2)
        corrected = tf.sqrt(square / (1 - 0.999**t))
        variable.assign_sub(learning_rate * (mean / (1 - 0.9**t)) / (corrected + 1e-8))


optimizer_g, optimizer_d = PaperAdam(learning_rate=1e-4), PaperAdam(learning_rate=1e-4)
optimizer_g.build(generator.trainable_variables)  # a tf.function may not make variables after its first call
optimizer_d.build(discriminator.trainable_variables)

# %% [markdown]
# ## Step
#
# G goes first here, and D is then shown the batch that G made *before* it moved: `fake` is a value, already computed,
# and G's new parameters do not change it. In the graph that `tf.function` traces, reads and writes of variables keep
# the order of the Python code, so this holds there too.


# %%
@tf.function
def train_step(z):
    with tf.GradientTape() as tape_g:
        fake = generator(z)
        loss_g = generator_loss(discriminator(fake))
    gradients = tape_g.gradient(loss_g, generator.trainable_variables)
    optimizer_g.apply_gradients(zip(gradients, generator.trainable_variables))

    with tf.GradientTape() as tape_d:
        loss_d = discriminator_loss(discriminator(real), discriminator(fake))
    gradients = tape_d.gradient(loss_d, discriminator.trainable_variables)
    optimizer_d.apply_gradients(zip(gradients, discriminator.trainable_variables))
    return loss_d, loss_g


# %% [markdown]
# ## Loop

# %%
losses = {"discriminator": [], "generator": []}
frames = {}

for step in range(num_steps):
    if step % 500 == 0:
        frames[step] = generator(noise[0]).numpy()
    loss_d, loss_g = train_step(noise[step])
    losses["discriminator"].append(float(loss_d))
    losses["generator"].append(float(loss_g))
samples = frames[num_steps] = generator(noise[0]).numpy()

# %% [markdown]
# ## Picture

# %%
plt.figure(figsize=(5, 3))
plt.plot(x_axis, samples[:16].T, color="tab:blue", alpha=0.4)
plt.plot(x_axis, np.sin(x_axis), color="black", linewidth=2, label="sin x")
plt.legend()
plt.show()
