"""Convolutional Wasserstein GAN with gradient penalty on MNIST digits, after Gulrajani's gan_mnist.py, MODE 'wgan-gp'.

TensorFlow 1's operations written in PyTorch: convolutions padded as its SAME, and an Adam that corrects the bias in the
rate, so that ε is beside the root of the raw square average.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional

DIM = 64
CRITIC_ITERS = 5
LAMBDA = 10


class Adam:
    """tf.train.AdamOptimizer(learning_rate=1e-4, beta1=0.5, beta2=0.9)."""

    def __init__(self, variables):
        self.variables, self.t = variables, 0
        self.m = [torch.zeros_like(v) for v in variables]
        self.v = [torch.zeros_like(v) for v in variables]

    def minimize(self, loss):
        self.t += 1
        rate = 1e-4 * np.sqrt(1 - 0.9**self.t) / (1 - 0.5**self.t)
        gradients = torch.autograd.grad(loss, self.variables)
        for variable, m, v, g in zip(self.variables, self.m, self.v, gradients, strict=True):
            m.add_((1 - 0.5) * (g - m))
            v.add_((1 - 0.9) * (g * g - v))
            variable.data -= rate * m / (torch.sqrt(v) + 1e-8)


def deconv2d(weights, name, images):
    """conv2d_transpose of 5 × 5, strides 2, SAME: of 2 n + 3 rows the first and the last two are cut off."""
    size = images.shape[-1]
    whole = functional.conv_transpose2d(images, weights[f"{name}.weight"], stride=2)
    return whole[:, :, 1 : 1 + 2 * size, 1 : 1 + 2 * size] + weights[f"{name}.bias"].view(1, -1, 1, 1)


def conv2d(weights, name, images):
    """conv2d of 5 × 5, strides 2, SAME: where what is added is odd, the one more is at the end."""
    size = images.shape[-1]
    added = max((-(-size // 2) - 1) * 2 + 5 - size, 0)
    before, after = added // 2, added - added // 2
    padded = functional.pad(images, (before, after, before, after))
    return functional.conv2d(padded, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=2)


def leaky_relu(x, alpha=0.2):
    """tf.maximum(alpha * x, x): where both are 0, as over a digit's background at first, the gradient is the first's.

    torch.maximum would halve it between the two.
    """
    return torch.where(alpha * x >= x, alpha * x, x)


def generate(weights, noise):
    output = torch.relu(noise @ weights["input.weight"].T + weights["input.bias"])
    output = output.reshape(-1, 4 * DIM, 4, 4)
    output = torch.relu(deconv2d(weights, "up2", output))
    output = output[:, :, :7, :7]
    output = torch.relu(deconv2d(weights, "up3", output))
    return torch.sigmoid(deconv2d(weights, "up5", output)).reshape(-1, 28 * 28)


def discriminate(weights, inputs):
    output = inputs.reshape(-1, 1, 28, 28)
    for name in ("conv1", "conv2", "conv3"):
        output = leaky_relu(conv2d(weights, name, output))
    output = output.reshape(-1, 4 * 4 * 4 * DIM)
    return (output @ weights["output.weight"].T + weights["output.bias"]).reshape(-1)


def load(state, network):
    prefix = f"{network}."
    names = [name for name in state if name.startswith(prefix) and name.endswith((".weight", ".bias"))]
    return {name.removeprefix(prefix): torch.tensor(state[name], requires_grad=True) for name in names}


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    gen, disc = load(state, "generator"), load(state, "discriminator")
    gen_train, disc_train = Adam(list(gen.values())), Adam(list(disc.values()))
    losses_d, losses_g, terms_d, terms_g = [], [], [], []
    for t in range(steps):
        real_data = torch.tensor(arrays["real"][t].reshape(-1, 28 * 28))
        fake_data = generate(gen, torch.tensor(arrays["latent_d"][t]))
        disc_real, disc_fake = discriminate(disc, real_data), discriminate(disc, fake_data)
        disc_cost = disc_fake.mean() - disc_real.mean()
        alpha = 1 - torch.tensor(arrays["mix"][t].reshape(-1, 1))
        interpolates = real_data + alpha * (fake_data - real_data)
        gradients = torch.autograd.grad(discriminate(disc, interpolates).sum(), interpolates, create_graph=True)[0]
        slopes = torch.sqrt((gradients**2).sum(dim=1))
        gradient_penalty = ((slopes - 1.0) ** 2).mean()
        disc_cost = disc_cost + LAMBDA * gradient_penalty
        disc_train.minimize(disc_cost)
        losses_d.append(disc_cost.item())
        terms_d.append(max(term.abs().max().item() for term in (disc_real, disc_fake, LAMBDA * gradient_penalty)))

        losses_g.append(np.nan)
        terms_g.append(np.nan)
        if t % CRITIC_ITERS == CRITIC_ITERS - 1:
            disc_fake = discriminate(disc, generate(gen, torch.tensor(arrays["latent_g"][t])))
            gen_cost = -disc_fake.mean()
            gen_train.minimize(gen_cost)
            losses_g[-1], terms_g[-1] = gen_cost.item(), disc_fake.abs().max().item()
    losses = {"discriminator": np.array(losses_d), "generator": np.array(losses_g), "pretraining": np.array([])}
    return losses | {"discriminator terms": np.array(terms_d), "generator terms": np.array(terms_g)}
