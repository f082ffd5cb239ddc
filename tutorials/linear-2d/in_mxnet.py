# %% [markdown]
# # A linear generator in the plane, in MXNet

# %% [markdown]
# ## Data
#
# `tape.npz` holds every batch and every draw of noise of the run, `state.safetensors` the initial parameters, in
# float64. `mx.nd.array` turns whatever it is given into float32 unless the type is named.

# %%
import matplotlib.pyplot as plt
import numpy as np
from safetensors.numpy import load_file

np.bool = bool  # MXNet 1.9.1 asks for this name, which NumPy dropped in 1.24
import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import nn

num_steps = 2500

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = mx.nd.array(tape["real"], dtype="float64")  # (steps, 4, 2)
noise = mx.nd.array(tape["latent_d"], dtype="float64")  # (steps, 4, 2)

# %% [markdown]
# ## Model
#
# No layer says how wide its input is: Gluon *defers* the making of parameters until it sees the first batch, or, as
# here, until `set_data` tells it the shape. Until then there is nothing to look at, and an error about
# `DeferredInitializationError` means just that.

# %%
generator = nn.HybridSequential()
generator.add(nn.Dense(2))
discriminator = nn.HybridSequential()
discriminator.add(
    nn.Dense(5, activation="tanh"),
    nn.Dense(3, activation="tanh"),
    nn.Dense(2),  # two logits: class 0 is fake, class 1 is real
)


def load(network, names):
    network.cast("float64")
    network.initialize()
    for layer, name in zip(network, names):
        layer.weight.set_data(mx.nd.array(state[f"{name}.weight"], dtype="float64"))
        layer.bias.set_data(mx.nd.array(state[f"{name}.bias"], dtype="float64"))
    network.hybridize()


load(generator, ["generator.output"])
load(discriminator, ["discriminator.hidden1", "discriminator.hidden2", "discriminator.output"])

# %% [markdown]
# ## Losses
#
# Two surprises of float64. MXNet's `log_softmax` computes in float32 on a processor, which `SoftmaxCrossEntropyLoss`
# inherits, so the loss is written out. And the attributes of operators are float32: `optimizer.Adam` would use 0.999
# to eight digits, and it adds ε before the bias correction. An optimizer of one's own, in plain arithmetic, is exact.


# %%
def cross_entropy(logits, label):
    logits = logits - logits.max(axis=1, keepdims=True)
    return mx.nd.log(mx.nd.exp(logits).sum(axis=1)) - logits[:, label]  # (B,): one loss a sample


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


trainer_d = gluon.Trainer(discriminator.collect_params(), PaperAdam(learning_rate=0.05))
trainer_g = gluon.Trainer(generator.collect_params(), PaperAdam(learning_rate=0.01))

# %% [markdown]
# ## Step
#
# Only what happens under `autograd.record()` can be differentiated, and outside of it layers are in prediction mode.
# `backward()` on a vector of losses differentiates their *sum*; `Trainer.step(batch_size)` divides the gradients by
# the batch size, which makes it the mean. Take the mean yourself and then say `step(batch_size)`, and you train with
# a learning rate that is too small by that factor. Adam hides it; gradient descent does not.


# %%
def train_step(x, z):
    fake = generator(z)  # not recorded, so it is a constant for D
    with autograd.record():
        loss_d = cross_entropy(discriminator(fake), 0) + cross_entropy(discriminator(x), 1)
    loss_d.backward()
    trainer_d.step(len(x))

    with autograd.record():
        loss_g = cross_entropy(discriminator(generator(z)), 1)
    loss_g.backward()  # also overwrites D's gradients, which grad_req="write" allows
    trainer_g.step(len(x))
    return loss_d.mean().asscalar(), loss_g.mean().asscalar()


# %% [markdown]
# ## Loop
#
# MXNet computes in the background; `asscalar()` waits for the number. Doing so at every step costs speed, which is
# what one pays for a loss curve.

# %%
z_shown = noise[:200].reshape((-1, 2))
losses = {"discriminator": [], "generator": []}
frames = {}

for step in range(num_steps):
    if step % 250 == 0:
        frames[step] = generator(z_shown).asnumpy()
    loss_d, loss_g = train_step(real[step], noise[step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
samples = frames[num_steps] = generator(z_shown).asnumpy()

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
