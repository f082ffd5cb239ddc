# %% [markdown]
# # The minibatch layer, in TensorFlow

# %% [markdown]
# ## Data
#
# Everything random is on the tape: inputs and targets of the pretraining, real samples, noise for D's half of a step
# and noise for G's. `tf.constant` keeps NumPy's float64; Keras's layers need to be told.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from safetensors.numpy import load_file

keras.config.set_floatx("float64")

num_pretraining_steps = 1000
num_steps = 1200

tape = {name: tf.constant(values) for name, values in np.load("tape.npz").items()}  # (steps, 12, 1) each
state = load_file("state.safetensors")

# %% [markdown]
# ## Model
#
# A Keras layer makes its variables in `build`, once it knows its input; built on `Dense`, this one has them. In
# `call`, Keras gives tensors of the layer's own type. `h.shape[0]` is `None` where the batch size is left open;
# `tf.shape(h)[0]` is a tensor that is always right.


# %%
class MinibatchDiscrimination(keras.layers.Dense):
    def call(self, h):
        a = tf.reshape(super().call(h), (-1, 5, 3))  # (12, kernels, dims)
        distances = tf.reduce_sum(tf.abs(a[:, None] - a[None]), axis=3)  # (12, 12, kernels)
        distances += tf.eye(tf.shape(h)[0], dtype=h.dtype)[:, :, None]
        return tf.concat([h, tf.reduce_sum(tf.exp(-distances), axis=1)], axis=1)  # (12, 13)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 13)


generator = keras.Sequential(
    [
        keras.Input((1,)),
        keras.layers.Dense(4, activation="softplus", name="hidden"),
        keras.layers.Dense(1, name="output"),
    ]
)
discriminator = keras.Sequential(
    [
        keras.Input((1,)),
        keras.layers.Dense(8, activation="tanh", name="hidden1"),
        keras.layers.Dense(8, activation="tanh", name="hidden2"),
        MinibatchDiscrimination(15, name="minibatch"),
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
# As in the lesson before: the paper's losses, gradient descent, and a rate that falls by 5 % every 150 updates.


# %%
def discriminator_loss(d_real, d_fake):
    return tf.reduce_mean(-tf.math.log(d_real) - tf.math.log(1 - d_fake))


def generator_loss(d_fake):
    return tf.reduce_mean(-tf.math.log(d_fake))


class Staircase(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.005 * 0.95 ** tf.cast(step // 150, tf.float64)


def descent(network):
    optimizer = keras.optimizers.SGD(Staircase())
    optimizer.build(network.trainable_variables)  # a tf.function may not make variables after its first call
    return optimizer


# %% [markdown]
# ## Step
#
# Real and generated samples go through D in **two** calls. Put them through in one, as one often does to save time,
# and the minibatch layer compares real samples with fakes: another GAN, which nothing warns of.

# %%
descent_d, descent_g, pretraining = descent(discriminator), descent(generator), descent(discriminator)


@tf.function
def pretrain_step(x, density):
    with tf.GradientTape() as gradient_tape:
        loss = tf.reduce_mean((discriminator(x) - density) ** 2)
    variables = discriminator.trainable_variables
    pretraining.apply_gradients(zip(gradient_tape.gradient(loss, variables), variables))
    return loss


@tf.function
def train_step(x, z_d, z_g):
    fake = generator(z_d)
    with tf.GradientTape() as gradient_tape:
        loss_d = discriminator_loss(discriminator(x), discriminator(fake))
    variables = discriminator.trainable_variables
    descent_d.apply_gradients(zip(gradient_tape.gradient(loss_d, variables), variables))

    with tf.GradientTape() as gradient_tape:
        loss_g = generator_loss(discriminator(generator(z_g)))
    variables = generator.trainable_variables
    descent_g.apply_gradients(zip(gradient_tape.gradient(loss_g, variables), variables))
    return loss_d, loss_g


# %% [markdown]
# ## Loop
#
# D looks at whole batches now, so the curve D(x) is taken twelve points at a time.

# %%
z_shown = np.linspace(-8, 8, 1000)[:, None]
positions = np.linspace(-8, 8, 240).reshape(20, 12, 1)
losses = {"pretraining": [], "discriminator": [], "generator": []}
frames, boundaries = {}, {}


def look(step):
    frames[step] = generator(z_shown).numpy()
    boundaries[step] = np.concatenate([discriminator(twelve) for twelve in positions])


for step in range(num_pretraining_steps):
    losses["pretraining"].append(float(pretrain_step(tape["pretrain_input"][step], tape["pretrain_target"][step])))

for step in range(num_steps):
    if step % 20 == 0:
        look(step)
    loss_d, loss_g = train_step(tape["real"][step], tape["latent_d"][step], tape["latent_g"][step])
    losses["discriminator"].append(float(loss_d))
    losses["generator"].append(float(loss_g))
look(num_steps)
samples = frames[num_steps]

# %% [markdown]
# ## Picture

# %%
plt.figure(figsize=(5, 3))
bins = np.linspace(-8, 8, 81)
plt.hist(tape["real"][:100].numpy().ravel(), bins, density=True, color="0.8", label="real")
plt.hist(samples.ravel(), bins, density=True, color="tab:blue", alpha=0.5, label="generated")
plt.plot(positions.ravel(), boundaries[num_steps], color="black", label="D(x)")
plt.legend()
plt.show()
