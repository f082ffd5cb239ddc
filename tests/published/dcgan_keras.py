"""Deep convolutional GAN on MNIST digits, after TensorFlow's tutorial: Keras's operations written in PyTorch.

D is asked about G's batch once; both losses are led back from there, and then both networks are moved. Its dropouts
draw no masks here: each pass is given its own.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional

RATE = 0.3


class Adam:
    """keras.optimizers.Adam(1e-4): the bias is corrected in the rate, ε = 1e-7."""

    def __init__(self, variables):
        self.variables, self.iterations = variables, 0
        self.m = [torch.zeros_like(v) for v in variables]
        self.v = [torch.zeros_like(v) for v in variables]

    def apply_gradients(self, gradients):
        self.iterations += 1
        alpha = 1e-4 * np.sqrt(1 - 0.999**self.iterations) / (1 - 0.9**self.iterations)
        for variable, m, v, gradient in zip(self.variables, self.m, self.v, gradients, strict=True):
            m.add_((gradient - m) * (1 - 0.9))
            v.add_((gradient**2 - v) * (1 - 0.999))
            variable.data.sub_(m * alpha / (torch.sqrt(v) + 1e-7))


def batch_normalization(weights, name, x):
    return functional.batch_norm(
        x, None, None, weights[f"{name}.weight"], weights[f"{name}.bias"], training=True, eps=1e-3
    )


def leaky_relu(x):
    return torch.where(x > 0, x, 0.3 * x)


def conv_transpose(weights, name, x, strides):
    """Conv2DTranspose of 5 × 5, "same": the gradient of a convolution whose padding has its odd one at the end."""
    size, cut = x.shape[-1] * strides, (5 - strides) // 2
    whole = functional.conv_transpose2d(x, weights[f"{name}.weight"], stride=strides)
    return whole[:, :, cut : cut + size, cut : cut + size]


def conv(weights, name, x):
    """Conv2D of 5 × 5, strides 2, "same", of an even size."""
    padded = functional.pad(x, (1, 2, 1, 2))
    return functional.conv2d(padded, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=2)


def generator(weights, noise):
    x = leaky_relu(batch_normalization(weights, "norm", noise @ weights["linear.weight"].T))
    x = conv_transpose(weights, "up1", x.reshape(-1, 256, 7, 7), 1)
    x = conv_transpose(weights, "up2", leaky_relu(batch_normalization(weights, "norm1", x)), 2)
    return torch.tanh(conv_transpose(weights, "up3", leaky_relu(batch_normalization(weights, "norm2", x)), 2))


def discriminator(weights, images, masks):
    x = images
    for name, mask in zip(("conv1", "conv2"), masks, strict=True):
        x = leaky_relu(conv(weights, name, x)) * mask / (1 - RATE)
    return x.flatten(1) @ weights["output.weight"].T + weights["output.bias"]


def cross_entropy(labels, logits):
    """BinaryCrossentropy(from_logits=True)."""
    return (torch.relu(logits) - logits * labels + torch.log1p(torch.exp(-torch.abs(logits)))).mean()


def load(state, network):
    prefix = f"{network}."
    names = [name for name in state if name.startswith(prefix) and name.endswith((".weight", ".bias"))]
    return {name.removeprefix(prefix): torch.tensor(state[name], requires_grad=True) for name in names}


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    gen, disc = load(state, "generator"), load(state, "discriminator")
    generator_optimizer, discriminator_optimizer = Adam(list(gen.values())), Adam(list(disc.values()))
    losses_d, losses_g = [], []
    for step in range(steps):
        tape = {name: torch.tensor(array[step]) for name, array in arrays.items()}

        def masks(stream, tape=tape):
            return [tape[f"mask.discriminator.{stream}.discriminator.drop{k}"] for k in (1, 2)]

        generated_images = generator(gen, tape["latent_d"])
        real_output = discriminator(disc, tape["real"], masks("real"))
        fake_output = discriminator(disc, generated_images, masks("fake"))
        gen_loss = cross_entropy(1.0, fake_output)
        disc_loss = cross_entropy(1.0, real_output) + cross_entropy(0.0, fake_output)
        gradients_of_generator = torch.autograd.grad(gen_loss, list(gen.values()), retain_graph=True)
        gradients_of_discriminator = torch.autograd.grad(disc_loss, list(disc.values()))
        generator_optimizer.apply_gradients(gradients_of_generator)
        discriminator_optimizer.apply_gradients(gradients_of_discriminator)
        losses_d.append(disc_loss.item())
        losses_g.append(gen_loss.item())
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
