"""Wasserstein GAN with clipped weights on MNIST digits, after Erik Linder-Norén's PyTorch-GAN."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

n_critic = 5
clip_value = 0.01
lr = 0.00005
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
        img = self.model(z)
        return img.view(img.shape[0], *img_shape)


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


def load(module, state, names):
    """Fill the layers that have parameters, in their order, with what the names have in the state."""
    layers = [layer for layer in module.model if isinstance(layer, nn.Linear | nn.BatchNorm1d)]
    for layer, name in zip(layers, names, strict=True):
        tensors = {**dict(layer.named_parameters()), **dict(layer.named_buffers())}
        tensors.pop("num_batches_tracked", None)
        for short, tensor in tensors.items():
            tensor.data.copy_(torch.tensor(state[f"{name}.{short}"]))


def batches(arrays, steps, full):
    """Yield each step's place in its epoch, images and noise, short where the loader's last batch is."""
    sizes = arrays.get("batch_size", np.array([full]))
    i = 0
    for t in range(steps):
        size = sizes[t % len(sizes)]
        yield i, *(torch.tensor(arrays[k][t % len(arrays[k]), :size]) for k in ("real", "latent_d"))
        i = 0 if size < full else i + 1


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    generator, discriminator = Generator().double(), Discriminator().double()
    norms = [part for i in (2, 3, 4) for part in (f"generator.linear{i}", f"generator.norm{i}")]
    load(generator, state, ["generator.linear1", *norms, "generator.linear5"])
    load(discriminator, state, [f"discriminator.linear{i}" for i in (1, 2, 3)])
    optimizer_g = torch.optim.RMSprop(generator.parameters(), lr=lr)
    optimizer_d = torch.optim.RMSprop(discriminator.parameters(), lr=lr)
    losses_d, losses_g = [], []
    for i, real_imgs, z in batches(arrays, steps, arrays["real"].shape[1]):
        # Train Discriminator
        optimizer_d.zero_grad()
        fake_imgs = generator(z).detach()
        d_loss = -torch.mean(discriminator(real_imgs)) + torch.mean(discriminator(fake_imgs))
        d_loss.backward()
        optimizer_d.step()
        losses_d.append(d_loss.item())

        # Clip weights of discriminator
        for p in discriminator.parameters():
            p.data.clamp_(-clip_value, clip_value)

        # Train the generator every n_critic iterations
        losses_g.append(np.nan)
        if i % n_critic == 0:
            optimizer_g.zero_grad()
            gen_imgs = generator(z)
            g_loss = -torch.mean(discriminator(gen_imgs))
            g_loss.backward()
            optimizer_g.step()
            losses_g[-1] = g_loss.item()
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
