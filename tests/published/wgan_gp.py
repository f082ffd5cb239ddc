"""Wasserstein GAN with gradient penalty on MNIST digits, after Erik Linder-Norén's PyTorch-GAN."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import autograd, nn

n_critic = 5
lambda_gp = 10
img_shape = (1, 28, 28)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.Linear(in_feat, out_feat)]
            if normalize:
                layers.append(nn.BatchNorm1d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.model = nn.Sequential(
            *block(100, 128, normalize=False),
            *block(128, 256),
            *block(256, 512),
            *block(512, 1024),
            nn.Linear(1024, int(np.prod(img_shape))),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.model(z).view(z.shape[0], *img_shape)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(int(np.prod(img_shape)), 512),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(512, 256),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(256, 1),
        )

    def forward(self, img):
        return self.model(img.view(img.shape[0], -1))


def compute_gradient_penalty(critic, real_samples, fake_samples, alpha):
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = critic(interpolates)
    gradients = autograd.grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=torch.ones_like(d_interpolates),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def load(module, state, names):
    """Fill the layers that have parameters, in their order, with what the names have in the state."""
    layers = [layer for layer in module.model if isinstance(layer, nn.Linear | nn.BatchNorm1d)]
    for layer, name in zip(layers, names, strict=True):
        tensors = {**dict(layer.named_parameters()), **dict(layer.named_buffers())}
        tensors.pop("num_batches_tracked", None)
        for short, tensor in tensors.items():
            tensor.data.copy_(torch.tensor(state[f"{name}.{short}"]))


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    generator, discriminator = Generator().double(), Discriminator().double()
    norms = [part for k in (2, 3, 4) for part in (f"generator.linear{k}", f"generator.norm{k}")]
    load(generator, state, ["generator.linear1", *norms, "generator.linear5"])
    load(discriminator, state, [f"discriminator.linear{k}" for k in (1, 2, 3)])
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    full = arrays["real"].shape[1]
    sizes = arrays.get("batch_size", np.full(steps, full))
    losses_d, losses_g, terms_d, terms_g = [], [], [], []
    i = 0
    for t in range(steps):
        real_imgs, z, alpha = (torch.tensor(arrays[k][t, : sizes[t]]) for k in ("real", "latent_d", "mix"))

        # Train Discriminator
        optimizer_d.zero_grad()
        fake_imgs = generator(z)
        real_validity, fake_validity = discriminator(real_imgs), discriminator(fake_imgs)
        gradient_penalty = compute_gradient_penalty(discriminator, real_imgs.data, fake_imgs.data, alpha)
        d_loss = -torch.mean(real_validity) + torch.mean(fake_validity) + lambda_gp * gradient_penalty
        d_loss.backward()
        optimizer_d.step()
        losses_d.append(d_loss.item())
        terms_d.append(
            max(term.abs().max().item() for term in (real_validity, fake_validity, lambda_gp * gradient_penalty))
        )

        # What D's loss left in G is taken away here.
        optimizer_g.zero_grad()
        losses_g.append(np.nan)
        terms_g.append(np.nan)
        if i % n_critic == 0:
            fake_validity = discriminator(generator(z))
            g_loss = -torch.mean(fake_validity)
            g_loss.backward()
            optimizer_g.step()
            losses_g[-1], terms_g[-1] = g_loss.item(), fake_validity.abs().max().item()
        i = 0 if sizes[t] < full else i + 1
    return {
        "pretraining": np.array([]),
        "discriminator": np.array(losses_d),
        "generator": np.array(losses_g),
        "discriminator terms": np.array(terms_d),
        "generator terms": np.array(terms_g),
    }
