# %% [markdown]
# # Wasserstein distance and gradient penalty, in TensorFlow

# %% [markdown]
# ## Data
#
# `mix` holds, for each real sample, how far along the line to its fake the penalty looks. The networks are made of
# `Dense` layers, so the images are rows of 784 pixels here.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

keras.config.set_floatx("float64")

num_steps = 60

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
batch_size = tape["real"].shape[1]
real = tf.constant(tape["real"].reshape(-1, batch_size, 784))  # from -1 to 1
noise = tf.constant(tape["latent_d"])  # (steps, 64, 100)
mix = tf.constant(tape["mix"].reshape(-1, batch_size, 1))

# %% [markdown]
# ## Model
#
# `tf.nn.leaky_relu` takes its slope as an attribute, in float32: 0.2 would be off in the ninth digit. In arithmetic
# it is exact. The ε of 0.8 is the published program's: it was meant as a momentum, as Keras counts it, on the *old*
# value, and landed in PyTorch's second argument. What Keras calls momentum 0.9 is PyTorch's 0.1.


# %%
def leaky_relu(x):
    return tf.maximum(x, 0.2 * x)


def dense(width, name):
    return keras.layers.Dense(width, name=name)


def norm(name):
    return keras.layers.BatchNormalization(epsilon=0.8, momentum=0.9, name=name)


def leaky():
    return keras.layers.Activation(leaky_relu)


generator = keras.Sequential([keras.Input((100,)), dense(128, "linear1"), leaky()])
for number, width in ((2, 256), (3, 512), (4, 1024)):
    for layer in (dense(width, f"linear{number}"), norm(f"norm{number}"), leaky()):
        generator.add(layer)
generator.add(keras.layers.Dense(784, activation="tanh", name="linear5"))

discriminator = keras.Sequential(
    [keras.Input((784,)), dense(512, "linear1"), leaky(), dense(256, "linear2"), leaky(), dense(1, "linear3")]
)


def load(network, prefix):
    for layer in network.layers:
        name = f"{prefix}.{layer.name}"
        if isinstance(layer, keras.layers.Dense):
            layer.set_weights([state[f"{name}.weight"].T, state[f"{name}.bias"]])
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")])


load(generator, "generator")
load(discriminator, "discriminator")

# %% [markdown]
# ## Losses
#
# A tape inside a tape: the inner one gives the gradient, the outer one, in the step, differentiates it. The inner
# tape must be told to `watch` what is no variable. `tf.abs` is the published norm, pixel by pixel; for the paper's,
# one a sample, `tf.norm` needs care, since the square root's gradient at 0 is NaN.


# %%
def gradient_penalty(x, fake, r):
    mixed = r * x + (1 - r) * fake
    with tf.GradientTape() as inner:
        inner.watch(mixed)
        score = discriminator(mixed)
    gradient = inner.gradient(score, mixed)  # of the sum of the scores, so each row is a sample's own
    return tf.reduce_mean(tf.reduce_mean((tf.abs(gradient) - 1) ** 2, axis=1))


class PaperAdam(keras.optimizers.Adam):
    def update_step(self, gradient, variable, learning_rate):
        t = tf.cast(self.iterations + 1, variable.dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        mean.assign(0.9 * mean + (1 - 0.9) * gradient)
        square.assign(0.999 * square + (1 - 0.999) * gradient**2)
        corrected = tf.sqrt(square / (1 - 0.999**t))
        variable.assign_sub(learning_rate * (mean / (1 - 0.9**t)) / (corrected + 1e-8))


optimizer_d, optimizer_g = PaperAdam(learning_rate=0.004), PaperAdam(learning_rate=0.001)
optimizer_d.build(discriminator.trainable_variables)  # a tf.function may not make variables after its first call
optimizer_g.build(generator.trainable_variables)

# %% [markdown]
# ## Step
#
# `training=True` is said in every call of G: left out, Keras normalises by its running averages, and G trains on
# something else than it seems to.


# %%
@tf.function
def train_step(x, z, r):
    fake = generator(z, training=True)
    with tf.GradientTape() as tape_d:
        loss_d = -tf.reduce_mean(discriminator(x)) + tf.reduce_mean(discriminator(fake))
        loss_d += 10 * gradient_penalty(x, fake, r)
    gradients = tape_d.gradient(loss_d, discriminator.trainable_variables)
    optimizer_d.apply_gradients(zip(gradients, discriminator.trainable_variables))

    with tf.GradientTape() as tape_g:
        loss_g = -tf.reduce_mean(discriminator(generator(z, training=True)))
    gradients = tape_g.gradient(loss_g, generator.trainable_variables)
    optimizer_g.apply_gradients(zip(gradients, generator.trainable_variables))
    return loss_d, loss_g


# %% [markdown]
# ## Loop

# %%
losses = {"discriminator": [], "generator": []}
frames = {}


def generate():
    return generator(noise[0], training=True).numpy().reshape(-1, 1, 28, 28)


for step in range(num_steps):
    if step % 12 == 0:
        frames[step] = generate()
    loss_d, loss_g = train_step(real[step], noise[step], mix[step])
    losses["discriminator"].append(float(loss_d))
    losses["generator"].append(float(loss_g))
samples = frames[num_steps] = generate()

# %% [markdown]
# ## Picture

# %%
figure, axes = plt.subplots(2, 8, figsize=(6, 1.7))
for image, panel in zip(samples[:, 0], axes.flat):
    panel.imshow(image, cmap="gray", vmin=-1, vmax=1)
    panel.axis("off")
plt.show()
