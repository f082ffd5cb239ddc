# %% [markdown]
# # The minibatch layer, in MXNet

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
# A `Block` holds other blocks, and one that is set as an attribute is registered with its parameters. Unlike NumPy's,
# the operators of `mx.nd` broadcast only where they are told to: `broadcast_sub` and its like, or `-` between arrays
# of as many dimensions. A plain `Block`, not a `HybridBlock`, may ask for `len(h)`, at the price of not being
# compiled.


# %%
class MinibatchDiscrimination(nn.Block):
    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(15)

    def forward(self, h):
        a = self.dense(h).reshape((-1, 5, 3))  # (12, kernels, dims)
        distances = (a.expand_dims(1) - a.expand_dims(0)).abs().sum(axis=3)  # (12, 12, kernels)
        distances = distances + mx.nd.eye(len(h), dtype="float64").expand_dims(2)
        return mx.nd.concat(h, mx.nd.exp(-distances).sum(axis=1), dim=1)  # (12, 13)


# %%
generator = nn.HybridSequential()
generator.add(nn.Dense(4), nn.HybridLambda(lambda F, x: F.log1p(F.exp(x))), nn.Dense(1))
discriminator = nn.Sequential()
discriminator.add(
    nn.Dense(8, activation="tanh"),
    nn.Dense(8, activation="tanh"),
    MinibatchDiscrimination(),
    nn.Dense(1, activation="sigmoid"),
)


def load(network, prefix, names):
    network.cast("float64")
    network.initialize()
    dense = [getattr(layer, "dense", layer) for layer in network if not isinstance(layer, nn.HybridLambda)]
    for layer, name in zip(dense, names):
        layer.weight.set_data(mx.nd.array(state[f"{prefix}.{name}.weight"], dtype="float64"))
        layer.bias.set_data(mx.nd.array(state[f"{prefix}.{name}.bias"], dtype="float64"))


load(generator, "generator", ["hidden", "output"])
load(discriminator, "discriminator", ["hidden1", "hidden2", "minibatch", "output"])

# %% [markdown]
# ## Losses
#
# As in the lesson before: one loss a sample, gradient descent in exact arithmetic, and a rate that falls by 5 % every
# 150 updates.


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
# Real and generated samples go through D in **two** calls. Put them through in one, as one often does to save time,
# and the minibatch layer compares real samples with fakes: another GAN, which nothing warns of. The losses of a batch
# are no longer one sample's affair each, but their sum's gradient still is what `backward()` gives.

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
# D looks at whole batches now, so the curve D(x) is taken twelve points at a time.

# %%
z_shown = mx.nd.array(np.linspace(-8, 8, 1000)[:, None], dtype="float64")
positions = mx.nd.array(np.linspace(-8, 8, 240).reshape(20, 12, 1), dtype="float64")
losses = {"pretraining": [], "discriminator": [], "generator": []}
frames, boundaries = {}, {}


def look(step):
    frames[step] = generator(z_shown).asnumpy()
    boundaries[step] = mx.nd.concat(*[discriminator(twelve) for twelve in positions], dim=0).asnumpy()


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
plt.plot(positions.asnumpy().ravel(), boundaries[num_steps], color="black", label="D(x)")
plt.legend()
plt.show()
