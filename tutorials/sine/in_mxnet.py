# %% [markdown]
# # Sine curves from noise, in MXNet

# %% [markdown]
# ## Data
#
# The real batch is the same sine 64 times over, and the tape stores it once; the noise is new at every step.

# %%
import matplotlib.pyplot as plt
import numpy as np
from safetensors.numpy import load_file

np.bool = bool  # MXNet 1.9.1 asks for this name, which NumPy dropped in 1.24
import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import nn

num_steps = 4000

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = mx.nd.array(tape["real"][0], dtype="float64")  # (64, 16)
noise = mx.nd.array(tape["latent_d"], dtype="float64")  # (steps, 64, 5)
x_axis = np.linspace(0, 2 * np.pi, 16)

# %% [markdown]
# ## Model

# %%
generator = nn.HybridSequential()
generator.add(nn.Dense(64, activation="relu"), nn.Dense(128, activation="relu"), nn.Dense(16))
discriminator = nn.HybridSequential()
discriminator.add(nn.Dense(64, activation="relu"), nn.Dense(256, activation="relu"), nn.Dense(1, activation="sigmoid"))


def load(network, prefix):
    network.cast("float64")
    network.initialize()
    for layer, name in zip(network, ["hidden1", "hidden2", "output"]):
        layer.weight.set_data(mx.nd.array(state[f"{prefix}.{name}.weight"], dtype="float64"))
        layer.bias.set_data(mx.nd.array(state[f"{prefix}.{name}.bias"], dtype="float64"))
    network.hybridize()


load(generator, "generator")
load(discriminator, "discriminator")

# %% [markdown]
# ## Losses
#
# As in the plane, Adam is written out: MXNet's own has its ε elsewhere and keeps its numbers in float32.


# %%
def generator_loss(d_fake):
    return mx.nd.log(1 - d_fake)  # (64, 1)


def discriminator_loss(d_real, d_fake):
    return -mx.nd.log(d_real) - mx.nd.log(1 - d_fake)  # (64, 1)


class PaperAdam(mx.optimizer.Optimizer):
    def create_state(self, index, weight):
        return mx.nd.zeros_like(weight), mx.nd.zeros_like(weight)

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        t, (mean, square) = self._index_update_count[index], state
        gradient = gradient * self.rescale_grad  # 1 / batch_size, from Trainer.step
        mean[:] = 0.9 * mean + (1 - 0.9) * gradient
        square[:] = 0.999 * square + (1 - 0.999) * gradient * gradient
        corrected = mx.nd.sqrt(square / (1 - 0.999**t))
        weight[:] -= self._get_lr(index) * (mean / (1 - 0.9**t)) / (corrected + 1e-8)


trainer_g = gluon.Trainer(generator.collect_params(), PaperAdam(learning_rate=1e-4))
trainer_d = gluon.Trainer(discriminator.collect_params(), PaperAdam(learning_rate=1e-4))

# %% [markdown]
# ## Step
#
# G goes first here, and D is then shown the batch that G made *before* it moved. `fake` was recorded, so this time it
# has to be detached: under the second `record()` it would still carry its history into G. MXNet frees a graph after
# `backward()` unless `retain_graph=True`, and walking into it again is an error.


# %%
def train_step(z):
    with autograd.record():
        fake = generator(z)
        loss_g = generator_loss(discriminator(fake))
    loss_g.backward()
    trainer_g.step(len(z))

    with autograd.record():
        loss_d = discriminator_loss(discriminator(real), discriminator(fake.detach()))
    loss_d.backward()
    trainer_d.step(len(z))
    return loss_d.mean().asscalar(), loss_g.mean().asscalar()


# %% [markdown]
# ## Loop

# %%
losses = {"discriminator": [], "generator": []}
frames = {}

for step in range(num_steps):
    if step % 500 == 0:
        frames[step] = generator(noise[0]).asnumpy()
    loss_d, loss_g = train_step(noise[step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
samples = frames[num_steps] = generator(noise[0]).asnumpy()

# %% [markdown]
# ## Picture

# %%
plt.figure(figsize=(5, 3))
plt.plot(x_axis, samples[:16].T, color="tab:blue", alpha=0.4)
plt.plot(x_axis, np.sin(x_axis), color="black", linewidth=2, label="sin x")
plt.legend()
plt.show()
