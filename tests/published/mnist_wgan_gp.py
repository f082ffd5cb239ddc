"""Wasserstein GAN with gradient penalty on MNIST digits, after Erik Linder-Norén's PyTorch-GAN.

`run` takes the gradient's norm as the published program does, over the channel axis; `run_sample` as the paper does,
over a whole sample.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import autograd, nn

lambda_gp = 10


def generator_model():
    def block(in_feat, out_feat, normalize=True):
        layers = [nn.Linear(in_feat, out_feat)]
        if normalize:
            layers.append(nn.BatchNorm1d(out_feat, 0.8))
        layers.append(nn.LeakyReLU(0.2, inplace=True))
        return layers

    return nn.Sequential(
        *block(100, 128, normalize=False),
        *block(128, 256),
        *block(256, 512),
        *block(512, 1024),
        nn.Linear(1024, 28 * 28),
        nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )


def discriminator_model():
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(28 * 28, 512),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(512, 256),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Linear(256, 1),
    )


def load(model, state, network):
    index = 0
    for layer in model.double():
        if isinstance(layer, nn.Linear):
            index += 1
            name, shorts = f"{network}.linear{index}", ("weight", "bias")
        elif isinstance(layer, nn.BatchNorm1d):
            name = f"{network}.norm{index}"
            shorts = ("weight", "bias", "running_mean", "running_var")
        else:
            continue
        for short in shorts:
            getattr(layer, short).data.copy_(torch.tensor(state[f"{name}.{short}"]))


def compute_gradient_penalty(discriminator, real_samples, fake_samples, alpha, *, per_sample):
    """Calculates the gradient penalty loss for WGAN GP."""
    # Get random interpolation between real and fake samples
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = discriminator(interpolates)
    gradients = autograd.grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=torch.ones_like(d_interpolates),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    if per_sample:
        gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def largest(*terms):
    return max(term.abs().max().item() for term in terms)


def train(state, arrays, *, steps, per_sample):
    generator, discriminator = generator_model(), discriminator_model()
    load(generator, state, "generator")
    load(discriminator, state, "discriminator")
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.001, betas=(0.9, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.004, betas=(0.9, 0.999))
    losses_d, losses_g, terms_d, terms_g = [], [], [], []
    for i in range(steps):
        real_imgs, z, alpha = (torch.tensor(arrays[k][i % len(arrays[k])]) for k in ("real", "latent_d", "mix"))

        # Train Discriminator
        optimizer_d.zero_grad()
        fake_imgs = generator(z)
        real_validity = discriminator(real_imgs)
        fake_validity = discriminator(fake_imgs)
        gradient_penalty = compute_gradient_penalty(
            discriminator, real_imgs.data, fake_imgs.data, alpha, per_sample=per_sample
        )
        d_loss = -torch.mean(real_validity) + torch.mean(fake_validity) + lambda_gp * gradient_penalty
        terms_d.append(largest(real_validity, fake_validity, lambda_gp * gradient_penalty))
        d_loss.backward()
        optimizer_d.step()

        # Train Generator; its zero_grad discards what d_loss left there
        optimizer_g.zero_grad()
        fake_imgs = generator(z)
        fake_validity = discriminator(fake_imgs)
        g_loss = -torch.mean(fake_validity)
        terms_g.append(largest(fake_validity))
        g_loss.backward()
        optimizer_g.step()

        losses_d.append(d_loss.item())
        losses_g.append(g_loss.item())
    losses = {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
    # What each loss is a difference of, which may be thousands of times what is left of it.
    return losses | {"discriminator terms": np.array(terms_d), "generator terms": np.array(terms_g)}


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    return train(state, arrays, steps=steps, per_sample=False)


def run_sample(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    return train(state, arrays, steps=steps, per_sample=True)
