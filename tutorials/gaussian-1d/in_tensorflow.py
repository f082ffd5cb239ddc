# %% [markdown]
# # A bell curve, in TensorFlow

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

# %%
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
        keras.layers.Dense(8, activation="tanh", name="hidden3"),
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
# A schedule is a function of the optimizer's own count of updates, so each optimizer brings its own: one for the
# pretraining, one for D, one for G. Keras's `ExponentialDecay` converts its numbers as float32 on the way; a class
# with `__call__` is all that a schedule has to be, and its arithmetic takes the type of the counter.


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
# Each half opens a tape, runs forward inside it and asks for the gradients of one network. G's pass in D's half lies
# outside the tape: that is all the "detaching" there is. Inside a `tf.function` Python runs only while it is traced,
# so a `print(loss)` would appear once; `tf.print` is the one that runs every time.

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
# First D learns the density by regression; then the game begins.

# %%
z_shown = np.linspace(-8, 8, 1000)[:, None]
positions = np.linspace(-8, 8, 240)
losses = {"pretraining": [], "discriminator": [], "generator": []}
frames, boundaries = {}, {}


def look(step):
    frames[step] = generator(z_shown).numpy()
    boundaries[step] = discriminator(positions[:, None]).numpy()


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
plt.plot(positions, boundaries[num_steps], color="black", label="D(x)")
plt.legend()
plt.show()
