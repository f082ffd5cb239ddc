# %% [markdown]
# # A bell curve, in MXNet

# %% [markdown]
# ## Data
#
# Everything random is on the tape: inputs and targets of the pretraining, real samples, noise for D's half of a step
# and noise for G's. Without `dtype` the arrays would be float32, whatever NumPy had.

# %%
import matplotlib.pyplot as plt
import numpy as np
from safetensors.numpy import load_file

np.bool = bool  # MXNet 1.9.1 asks for this name, which NumPy dropped in 1.24
import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import nn

num_pretraining_steps = 1000
num_steps = 1200

tape = {name: mx.nd.array(values, dtype="float64") for name, values in np.load("tape.npz").items()}  # (steps, 12, 1)
state = load_file("state.safetensors")

# %% [markdown]
# ## Model
#
# MXNet's own softplus, the activation "softrelu", returns its input above 20, which is off by 2·10⁻⁹ there. A
# `HybridLambda` makes a layer of a formula; it is handed `F`, which is `mx.nd` or, once hybridized, `mx.sym`.

# %%
generator = nn.HybridSequential()
generator.add(nn.Dense(4), nn.HybridLambda(lambda F, x: F.log1p(F.exp(x))), nn.Dense(1))
discriminator = nn.HybridSequential()
discriminator.add(
    nn.Dense(8, activation="tanh"),
    nn.Dense(8, activation="tanh"),
    nn.Dense(8, activation="tanh"),
    nn.Dense(1, activation="sigmoid"),
)


def load(network, prefix, names):
    network.cast("float64")
    network.initialize()
    dense = [layer for layer in network if isinstance(layer, nn.Dense)]
    for layer, name in zip(dense, names):
        layer.weight.set_data(mx.nd.array(state[f"{prefix}.{name}.weight"], dtype="float64"))
        layer.bias.set_data(mx.nd.array(state[f"{prefix}.{name}.bias"], dtype="float64"))
    network.hybridize()


load(generator, "generator", ["hidden", "output"])
load(discriminator, "discriminator", ["hidden1", "hidden2", "hidden3", "output"])

# %% [markdown]
# ## Losses
#
# A loss has one entry a sample; whoever divides by the batch size is `Trainer.step`. MXNet's `SGD` hands its learning
# rate to an operator as an attribute, and attributes are float32: 0.005 would be off in the ninth digit. Written out
# in arithmetic it is exact. `FactorScheduler` counts updates from 1 and lowers the rate *after* `step` of them, which
# comes to ⌊t / 150⌋.


# %%
def discriminator_loss(d_real, d_fake):
    return -mx.nd.log(d_real) - mx.nd.log(1 - d_fake)  # (12, 1)


def generator_loss(d_fake):
    return -mx.nd.log(d_fake)  # (12, 1)


class GradientDescent(mx.optimizer.Optimizer):
    def create_state(self, index, weight):
        return None

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        weight[:] -= self._get_lr(index) * (gradient * self.rescale_grad)


def descent(network):
    schedule = mx.lr_scheduler.FactorScheduler(step=150, factor=0.95, base_lr=0.005)
    return gluon.Trainer(network.collect_params(), GradientDescent(learning_rate=0.005, lr_scheduler=schedule))


# %% [markdown]
# ## Step
#
# `loss.backward()` on a vector differentiates its sum, and `step(12)` divides by 12. With plain gradient descent,
# unlike with Adam, a forgotten or a double division shows at once. G runs outside `record()` in D's half: nothing to
# detach.

# %%
descent_d, descent_g, pretraining = descent(discriminator), descent(generator), descent(discriminator)


def train_step(x, z_d, z_g):
    fake = generator(z_d)
    with autograd.record():
        loss_d = discriminator_loss(discriminator(x), discriminator(fake))
    loss_d.backward()
    descent_d.step(len(x))

    with autograd.record():
        loss_g = generator_loss(discriminator(generator(z_g)))
    loss_g.backward()
    descent_g.step(len(x))
    return loss_d.mean().asscalar(), loss_g.mean().asscalar()


# %% [markdown]
# ## Loop
#
# First D learns the density by regression; then the game begins. Gluon's `L2Loss` would halve the square, so the
# square is written out.

# %%
z_shown = mx.nd.array(np.linspace(-8, 8, 1000)[:, None], dtype="float64")
positions = np.linspace(-8, 8, 240)
losses = {"pretraining": [], "discriminator": [], "generator": []}
frames, boundaries = {}, {}


def look(step):
    frames[step] = generator(z_shown).asnumpy()
    boundaries[step] = discriminator(mx.nd.array(positions[:, None], dtype="float64")).asnumpy()


for step in range(num_pretraining_steps):
    with autograd.record():
        loss = (discriminator(tape["pretrain_input"][step]) - tape["pretrain_target"][step]) ** 2
    loss.backward()
    pretraining.step(len(loss))
    losses["pretraining"].append(loss.mean().asscalar())

for step in range(num_steps):
    if step % 20 == 0:
        look(step)
    loss_d, loss_g = train_step(tape["real"][step], tape["latent_d"][step], tape["latent_g"][step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
look(num_steps)
samples = frames[num_steps]

# %% [markdown]
# ## Picture

# %%
plt.figure(figsize=(5, 3))
bins = np.linspace(-8, 8, 81)
plt.hist(tape["real"][:100].asnumpy().ravel(), bins, density=True, color="0.8", label="real")
plt.hist(samples.ravel(), bins, density=True, color="tab:blue", alpha=0.5, label="generated")
plt.plot(positions, boundaries[num_steps], color="black", label="D(x)")
plt.legend()
plt.show()
