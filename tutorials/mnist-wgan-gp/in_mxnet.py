# %% [markdown]
# # Wasserstein distance and gradient penalty, in MXNet

# %% [markdown]
# ## Data
#
# `mix` holds, for each real sample, how far along the line to its fake the penalty looks. The networks are made of
# `Dense` layers, so the images are rows of 784 pixels here.

# %%
import matplotlib.pyplot as plt
import numpy as np
from safetensors.numpy import load_file

np.bool = bool  # MXNet 1.9.1 asks for this name, which NumPy dropped in 1.24
import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import nn

num_steps = 60

tape = dict(np.load("tape.npz"))
state = load_file("state.safetensors")
batch_size = tape["real"].shape[1]
real = mx.nd.array(tape["real"].reshape(-1, batch_size, 784), dtype="float64")  # from -1 to 1
noise = mx.nd.array(tape["latent_d"], dtype="float64")  # (steps, 64, 100)
mix = mx.nd.array(tape["mix"].reshape(-1, batch_size, 1), dtype="float64")

# %% [markdown]
# ## Model
#
# `LeakyReLU` keeps its slope in float32; in arithmetic 0.2 is exact. The ε of 0.8 is the published program's: meant
# as a momentum on the old value, it landed in PyTorch's second argument. Gluon's BatchNorm moves its running averages
# in the *backward* pass, and uses the batch's own statistics only under `record()` or `train_mode()`.


# %%
def leaky():
    return nn.HybridLambda(lambda F, x: F.maximum(x, 0.2 * x))


generator = nn.HybridSequential()
generator.add(nn.Dense(128), leaky())
for width in (256, 512, 1024):
    generator.add(nn.Dense(width), nn.BatchNorm(epsilon=0.8), leaky())
generator.add(nn.Dense(784, activation="tanh"))

discriminator = nn.HybridSequential()
discriminator.add(nn.Dense(512), leaky(), nn.Dense(256), leaky(), nn.Dense(1))


def set_array(parameter, name):
    parameter.set_data(mx.nd.array(state[name], dtype="float64"))


def load(network, prefix):
    network.cast("float64")
    network.initialize()
    number = 0
    for layer in network:
        if isinstance(layer, nn.Dense):
            number += 1
            set_array(layer.weight, f"{prefix}.linear{number}.weight")
            set_array(layer.bias, f"{prefix}.linear{number}.bias")
        elif isinstance(layer, nn.BatchNorm):
            set_array(layer.gamma, f"{prefix}.norm{number}.weight")
            set_array(layer.beta, f"{prefix}.norm{number}.bias")
    network.hybridize()


load(generator, "generator")
load(discriminator, "discriminator")

# %% [markdown]
# ## Losses
#
# The penalty is a loss made of a gradient. MXNet 1.9.1 has `autograd.grad(…, create_graph=True)`, but few of its
# operators have a second derivative. So the gradient of D is written out by the chain rule, as an ordinary expression
# of the weights: from the score back through each layer, a product with its weights and with the slopes of its
# activations. The absolute value is the published norm, pixel by pixel; the paper's is one norm a sample.


# %%
def input_gradient(x):
    first, second, last = discriminator[0], discriminator[2], discriminator[4]
    h1 = first(x)
    h2 = second(discriminator[1](h1))
    slopes1, slopes2 = [mx.nd.BlockGrad((h > 0) + 0.2 * (h <= 0)) for h in (h1, h2)]
    gradient = slopes2 * last.weight.data()  # (64, 256)
    gradient = slopes1 * mx.nd.dot(gradient, second.weight.data())  # (64, 512)
    return mx.nd.dot(gradient, first.weight.data())  # (64, 784)


def gradient_penalty(x, fake, r):
    gradient = input_gradient(r * x + (1 - r) * fake)
    return ((gradient.abs() - 1) ** 2).mean(axis=1)  # (64,)


class PaperAdam(mx.optimizer.Optimizer):
    def create_state(self, index, weight):
        return mx.nd.zeros_like(weight), mx.nd.zeros_like(weight)

    def update(self, index, weight, gradient, state):
        self._update_count(index)
        t, (mean, square) = self._index_update_count[index], state
        gradient = gradient * self.rescale_grad
        mean[:] = 0.9 * mean + (1 - 0.9) * gradient
        square[:] = 0.999 * square + (1 - 0.999) * gradient * gradient
        corrected = mx.nd.sqrt(square / (1 - 0.999**t))
        weight[:] -= self._get_lr(index) * (mean / (1 - 0.9**t)) / (corrected + 1e-8)


trainer_d = gluon.Trainer(discriminator.collect_params(), PaperAdam(learning_rate=0.004))
trainer_g = gluon.Trainer(generator.collect_params(), PaperAdam(learning_rate=0.001))

# %% [markdown]
# ## Step
#
# Three losses of one number a sample are added, so one division by the batch size in `Trainer.step` is right for all.
# `train_mode()` makes G normalise by the batch without recording anything.


# %%
def train_step(x, z, r):
    with autograd.train_mode():
        fake = generator(z)
    with autograd.record():
        score = discriminator(fake) - discriminator(x)  # (64, 1)
        loss_d = score.reshape((-1,)) + 10 * gradient_penalty(x, fake, r)
    loss_d.backward()
    trainer_d.step(len(x))

    with autograd.record():
        loss_g = -discriminator(generator(z))
    loss_g.backward()
    trainer_g.step(len(x))
    return loss_d.mean().asscalar(), loss_g.mean().asscalar()


# %% [markdown]
# ## Loop

# %%
losses = {"discriminator": [], "generator": []}
frames = {}


def generate():
    with autograd.train_mode():
        return generator(noise[0]).asnumpy().reshape(-1, 1, 28, 28)


for step in range(num_steps):
    if step % 12 == 0:
        frames[step] = generate()
    loss_d, loss_g = train_step(real[step], noise[step], mix[step])
    losses["discriminator"].append(loss_d)
    losses["generator"].append(loss_g)
samples = frames[num_steps] = generate()

# %% [markdown]
# ## Picture

# %%
figure, axes = plt.subplots(2, 8, figsize=(6, 1.7))
for image, panel in zip(samples[:, 0], axes.flat):
    panel.imshow(image, cmap="gray", vmin=-1, vmax=1)
    panel.axis("off")
plt.show()
