# %% [markdown]
# # A deep convolutional GAN, in MXNet

# %% [markdown]
# ## Data
#
# The tape repeats: the digits come in the same order every epoch, and the noise is drawn once and for all.

# %%
import matplotlib.pyplot as plt
import numpy as np
from safetensors.numpy import load_file

np.bool = bool  # MXNet 1.9.1 asks for this name, which NumPy dropped in 1.24
import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import nn

num_steps = 6

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
real = mx.nd.array(tape["real"], dtype="float64")  # (steps, batch, 3, 32, 32), from 0 to 1
noise_d = mx.nd.array(tape["latent_d"][0], dtype="float64")  # (batch, 100, 1, 1)
noise_g = mx.nd.array(tape["latent_g"][0], dtype="float64")

# %% [markdown]
# ## Model
#
# Layouts are PyTorch's, but the number of input channels is left out: it is deferred until `set_data` or the first
# batch settles it. BatchNorm's ε is 1e-5 as in PyTorch, and its `momentum` weights the *old* value.

# %%
up_channels = (768, 384, 192, 96, 48, 24, 12, 6, 3)
up_windows = ((3, 1), (3, 1), (3, 2), (2, 2), (3, 1), (3, 1), (3, 1), (3, 1), (3, 1))  # kernel size, stride
down_channels = (6, 12, 24, 48, 96, 192, 384, 768)
down_windows = ((3, 1), (4, 1), (3, 1), (4, 1), (3, 1), (4, 1), (3, 2), (4, 1))

generator = nn.HybridSequential()
for i, (channels, (kernel, stride)) in enumerate(zip(up_channels, up_windows), start=1):
    generator.add(
        nn.Conv2DTranspose(channels, kernel, stride, use_bias=False),
        nn.BatchNorm(epsilon=1e-5, momentum=0.9),
        nn.Activation("relu" if i < 9 else "sigmoid"),
    )

discriminator = nn.HybridSequential()
for i, (channels, (kernel, stride)) in enumerate(zip(down_channels, down_windows), start=1):
    discriminator.add(
        nn.Conv2D(channels, kernel, stride, use_bias=i >= 5),
        nn.BatchNorm(epsilon=1e-5, momentum=0.9),
        nn.HybridLambda(lambda F, x: F.maximum(x, 0.2 * x)),  # nn.LeakyReLU would keep 0.2 in float32
    )
discriminator.add(nn.Conv2D(1, 5), nn.Flatten(), nn.Activation("sigmoid"))


def load(network, names):
    network.cast("float64")
    network.initialize()
    parametric = [layer for layer in network if isinstance(layer, (nn.Conv2D, nn.Conv2DTranspose, nn.BatchNorm))]
    for layer, name in zip(parametric, names):
        pairs = {"weight": "weight", "bias": "bias"}
        if isinstance(layer, nn.BatchNorm):
            pairs = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean", "running_var": "running_var"}
        for part, attribute in pairs.items():
            if f"{name}.{part}" in state:
                getattr(layer, attribute).set_data(mx.nd.array(state[f"{name}.{part}"], dtype="float64"))
    network.hybridize()


load(generator, [f"generator.{kind}{i}" for i in range(1, 10) for kind in ("up", "norm")])
names = [f"discriminator.{kind}{i}" for i in range(1, 9) for kind in ("down", "norm")]
load(discriminator, [*names, "discriminator.output"])

# %% [markdown]
# ## Losses
#
# Gluon's `SigmoidBCELoss(from_sigmoid=True)` adds 1e-12 inside the logarithm; PyTorch clamps the logarithm at -100.
# And MXNet's `AdaDelta` ignores the learning rate that it is given, so the optimizer is written out.


# %%
def binary_cross_entropy(probability, label):
    logarithm = mx.nd.log(probability) if label == 1 else mx.nd.log1p(-probability)
    return -mx.nd.maximum(logarithm, -100)  # (batch, 1)


class Adadelta(mx.optimizer.Optimizer):
    def create_state(self, index, weight):
        return mx.nd.zeros_like(weight), mx.nd.zeros_like(weight)

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        gradient, (squares, steps) = gradient * self.rescale_grad, state
        squares[:] = 0.9 * squares + (1 - 0.9) * gradient * gradient
        step = mx.nd.sqrt(steps + 1e-6) / mx.nd.sqrt(squares + 1e-6) * gradient
        steps[:] = 0.9 * steps + (1 - 0.9) * step * step
        weight[:] -= self._get_lr(index) * step


trainer_d = gluon.Trainer(discriminator.collect_params(), Adadelta(learning_rate=0.001))
trainer_g = gluon.Trainer(generator.collect_params(), Adadelta(learning_rate=0.001))

# %% [markdown]
# ## Step
#
# `record()` switches to training mode on its own; G's pass for D is not recorded, so it needs `train_mode()`, or it
# would be normalised by running averages that have seen nothing yet.


# %%
def discriminator_step(x):
    with autograd.train_mode():
        fake = generator(noise_d)
    with autograd.record():
        loss = binary_cross_entropy(discriminator(x), 1) + binary_cross_entropy(discriminator(fake), 0)
    loss.backward()
    trainer_d.step(len(x))
    return loss.mean().asscalar()


def generator_step():
    with autograd.record():
        loss = binary_cross_entropy(discriminator(generator(noise_g)), 1)
    loss.backward()
    trainer_g.step(len(noise_g))
    return loss.mean().asscalar()


# %% [markdown]
# ## Loop
#
# D trains in two steps of nine, the first and the sixth.

# %%
losses = {"discriminator": [], "generator": []}
frames = {}


def generate():
    with autograd.train_mode():
        return generator(noise_d).asnumpy()


for step in range(num_steps):
    frames[step] = generate()
    trains_d = step % 9 % 5 == 0
    losses["discriminator"].append(discriminator_step(real[step % len(real)]) if trains_d else float("nan"))
    losses["generator"].append(generator_step())
samples = frames[num_steps] = generate()

# %% [markdown]
# ## Picture

# %%
figure, axes = plt.subplots(2, 5, figsize=(5, 2.2))
for image, panel in zip(samples, axes.flat):
    panel.imshow(image.transpose(1, 2, 0))
    panel.axis("off")
plt.show()
