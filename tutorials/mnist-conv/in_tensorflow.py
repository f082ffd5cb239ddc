# %% [markdown]
# # A deep convolutional GAN, in TensorFlow

# %% [markdown]
# ## Data
#
# The tape repeats: the digits come in the same order every epoch, and the noise is drawn once and for all. TensorFlow
# wants channels last, so the axes are moved.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

keras.config.set_floatx("float64")

num_steps = 6

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = tf.constant(np.moveaxis(tape["real"], 2, -1))  # (steps, batch, 32, 32, 3), from 0 to 1
noise_d = tf.constant(np.moveaxis(tape["latent_d"][0], 1, -1))  # (batch, 1, 1, 100)
noise_g = tf.constant(np.moveaxis(tape["latent_g"][0], 1, -1))

# %% [markdown]
# ## Model
#
# A kernel is (height, width, in, out), a transposed convolution's (height, width, out, in); from the file's layout it
# is the same turn of the axes for both. `padding="valid"`, the default, is no padding; `"same"` would pad unevenly.

# %%
up_channels = (768, 384, 192, 96, 48, 24, 12, 6, 3)
up_windows = ((3, 1), (3, 1), (3, 2), (2, 2), (3, 1), (3, 1), (3, 1), (3, 1), (3, 1))  # kernel size, stride
down_channels = (6, 12, 24, 48, 96, 192, 384, 768)
down_windows = ((3, 1), (4, 1), (3, 1), (4, 1), (3, 1), (4, 1), (3, 2), (4, 1))


def norm(i):
    return keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"norm{i}")


def leaky_relu(x):
    return tf.maximum(x, 0.2 * x)  # tf.nn.leaky_relu would keep 0.2 in float32


generator = keras.Sequential([keras.Input((1, 1, 100))])
for i, (channels, (kernel, stride)) in enumerate(zip(up_channels, up_windows), start=1):
    generator.add(keras.layers.Conv2DTranspose(channels, kernel, stride, use_bias=False, name=f"up{i}"))
    generator.add(norm(i))
    generator.add(keras.layers.Activation("relu" if i < 9 else "sigmoid"))

discriminator = keras.Sequential([keras.Input((32, 32, 3))])
for i, (channels, (kernel, stride)) in enumerate(zip(down_channels, down_windows), start=1):
    discriminator.add(keras.layers.Conv2D(channels, kernel, stride, use_bias=i >= 5, name=f"down{i}"))
    discriminator.add(norm(i))
    discriminator.add(keras.layers.Activation(leaky_relu))
discriminator.add(keras.layers.Conv2D(1, 5, name="output"))
discriminator.add(keras.layers.Flatten())
discriminator.add(keras.layers.Activation(tf.sigmoid))


def load(network, prefix):
    for layer in network.layers:
        found = [
            state.get(f"{prefix}.{layer.name}.{part}") for part in ("weight", "bias", "running_mean", "running_var")
        ]
        arrays = [array for array in found if array is not None]
        layer.set_weights([array.transpose(2, 3, 1, 0) if array.ndim == 4 else array for array in arrays])


load(generator, "generator")
load(discriminator, "discriminator")

# %% [markdown]
# ## Losses
#
# `keras.losses.BinaryCrossentropy` clips probabilities to [1e-7, 1 - 1e-7], where PyTorch clamps logarithms at -100:
# as long as D is in doubt they are the same, and afterwards they are not. Written out, it is plain which one this is.


# %%
def binary_cross_entropy(probability, label):
    logarithm = tf.math.log(probability) if label == 1 else tf.math.log1p(-probability)
    return -tf.reduce_mean(tf.maximum(logarithm, -100))


optimizer_d = keras.optimizers.Adadelta(learning_rate=0.001, rho=0.9, epsilon=1e-6)
optimizer_g = keras.optimizers.Adadelta(learning_rate=0.001, rho=0.9, epsilon=1e-6)
optimizer_d.build(discriminator.trainable_variables)  # a tf.function may not make variables after its first call
optimizer_g.build(generator.trainable_variables)

# %% [markdown]
# ## Step
#
# `training=True` makes Keras normalise by the batch; in a plain call it uses its running averages, which here would
# be those of a network that has seen nothing. D trains in some steps only, so each half is a `tf.function` of its
# own: a Python `if` inside one would be decided once, when it is traced.


# %%
@tf.function
def discriminator_step(x):
    fake = generator(noise_d, training=True)
    with tf.GradientTape() as gradient_tape:
        loss = binary_cross_entropy(discriminator(x, training=True), 1)
        loss += binary_cross_entropy(discriminator(fake, training=True), 0)
    variables = discriminator.trainable_variables
    optimizer_d.apply_gradients(zip(gradient_tape.gradient(loss, variables), variables))
    return loss


@tf.function
def generator_step():
    with tf.GradientTape() as gradient_tape:
        loss = binary_cross_entropy(discriminator(generator(noise_g, training=True), training=True), 1)
    variables = generator.trainable_variables
    optimizer_g.apply_gradients(zip(gradient_tape.gradient(loss, variables), variables))
    return loss


# %% [markdown]
# ## Loop
#
# D trains in two steps of nine, the first and the sixth.

# %%
losses = {"discriminator": [], "generator": []}
frames = {}


def generate():
    return np.moveaxis(generator(noise_d, training=True).numpy(), -1, 1)


for step in range(num_steps):
    frames[step] = generate()
    trains_d = step % 9 % 5 == 0
    losses["discriminator"].append(float(discriminator_step(real[step % len(real)])) if trains_d else float("nan"))
    losses["generator"].append(float(generator_step()))
samples = frames[num_steps] = generate()

# %% [markdown]
# ## Picture

# %%
figure, axes = plt.subplots(2, 5, figsize=(5, 2.2))
for image, panel in zip(samples, axes.flat):
    panel.imshow(image.transpose(1, 2, 0))
    panel.axis("off")
plt.show()
