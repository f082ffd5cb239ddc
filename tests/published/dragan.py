"""DRAGAN on MNIST digits, after Erik Linder-Norén's PyTorch-GAN; D's own loss is printed there and never led back.

Its dropouts draw no masks here: each pass through D is given its own. What the penalty draws, it is given too.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import autograd, nn


class Dropout2d(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p
        self.mask = None

    def forward(self, images):
        return images * (self.mask / (1 - self.p))


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.init_size = 32 // 4
        self.l1 = nn.Sequential(nn.Linear(100, 128 * self.init_size**2))
        self.conv_blocks = nn.Sequential(
            nn.BatchNorm2d(128),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 128, 3, stride=1, padding=1),
            nn.BatchNorm2d(128, 0.8),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 64, 3, stride=1, padding=1),
            nn.BatchNorm2d(64, 0.8),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(64, 1, 3, stride=1, padding=1),
            nn.Tanh(),
        )

    def forward(self, noise):
        out = self.l1(noise)
        return self.conv_blocks(out.view(out.shape[0], 128, self.init_size, self.init_size))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()

        def discriminator_block(in_filters, out_filters, bn=True):
            block = [nn.Conv2d(in_filters, out_filters, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), Dropout2d(0.25)]
            return [*block, nn.BatchNorm2d(out_filters, 0.8)] if bn else block

        self.model = nn.Sequential(
            *discriminator_block(1, 16, bn=False),
            *discriminator_block(16, 32),
            *discriminator_block(32, 64),
            *discriminator_block(64, 128),
        )
        self.adv_layer = nn.Sequential(nn.Linear(128 * (32 // 2**4) ** 2, 1), nn.Sigmoid())

    def forward(self, img, masks):
        dropouts = [layer for layer in self.model if isinstance(layer, Dropout2d)]
        for dropout, mask in zip(dropouts, masks, strict=True):
            dropout.mask = mask
        return self.adv_layer(self.model(img).flatten(1))


def load(model, state, network, linear):
    num_convolutions = 0
    for layer in model.double().modules():
        shorts = ("weight", "bias")
        if isinstance(layer, nn.Linear):
            name = linear
        elif isinstance(layer, nn.Conv2d):
            num_convolutions += 1
            name = f"conv{num_convolutions}"
        elif isinstance(layer, nn.BatchNorm2d):
            name, shorts = f"norm{num_convolutions}", ("weight", "bias", "running_mean", "running_var")
        else:
            continue
        for short in shorts:
            getattr(layer, short).data.copy_(torch.tensor(state[f"{network}.{name}.{short}"]))


def compute_gradient_penalty(score, x, alpha, beta):
    interpolates = alpha * x + ((1 - alpha) * (x + 0.5 * x.std() * beta))
    interpolates.requires_grad_()
    d_interpolates = score(interpolates, "discriminator.mixed")
    ones = torch.ones_like(d_interpolates)
    (gradients,) = autograd.grad(d_interpolates, interpolates, grad_outputs=ones, create_graph=True)
    return 10 * ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    generator, discriminator = Generator(), Discriminator()
    load(generator, state, "generator", "linear")
    load(discriminator, state, "discriminator", "output")
    adversarial_loss = nn.BCELoss()
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    losses_d, losses_g = [], []
    for i in range(steps):
        tape = {name: torch.tensor(array[i % len(array)]) for name, array in arrays.items()}

        def score(images, of_pass, tape=tape):
            return discriminator(images, [tape[f"mask.{of_pass}.discriminator.drop{k}"] for k in (1, 2, 3, 4)])

        real_imgs, z = tape["real"], tape["latent_d"]
        valid, fake = torch.ones(len(real_imgs), 1).double(), torch.zeros(len(real_imgs), 1).double()

        # Train Generator
        optimizer_g.zero_grad()
        gen_imgs = generator(z)
        g_loss = adversarial_loss(score(gen_imgs, "generator.fake"), valid)
        g_loss.backward()
        optimizer_g.step()

        # Train Discriminator
        optimizer_d.zero_grad()
        real_loss = adversarial_loss(score(real_imgs, "discriminator.real"), valid)
        fake_loss = adversarial_loss(score(gen_imgs.detach(), "discriminator.fake"), fake)
        d_loss = (real_loss + fake_loss) / 2
        compute_gradient_penalty(score, real_imgs, tape["mix"], tape["perturbation"]).backward()
        optimizer_d.step()

        losses_d.append(d_loss.item())
        losses_g.append(g_loss.item())
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
