"""Semi-supervised GAN on MNIST digits, after Erik Linder-Norén's PyTorch-GAN.

Its dropouts draw no masks here: each pass through D is given its own.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn


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
        out = out.view(out.shape[0], 128, self.init_size, self.init_size)
        return self.conv_blocks(out)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()

        def discriminator_block(in_filters, out_filters, bn=True):
            block = [nn.Conv2d(in_filters, out_filters, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), Dropout2d(0.25)]
            if bn:
                block.append(nn.BatchNorm2d(out_filters, 0.8))
            return block

        self.model = nn.Sequential(
            *discriminator_block(1, 16, bn=False),
            *discriminator_block(16, 32),
            *discriminator_block(32, 64),
            *discriminator_block(64, 128),
        )
        ds_size = 32 // 2**4
        self.adv_layer = nn.Sequential(nn.Linear(128 * ds_size**2, 1), nn.Sigmoid())
        self.aux_layer = nn.Sequential(nn.Linear(128 * ds_size**2, 10 + 1), nn.Softmax(dim=1))

    def forward(self, img, masks):
        dropouts = [layer for layer in self.model if isinstance(layer, Dropout2d)]
        for dropout, mask in zip(dropouts, masks, strict=True):
            dropout.mask = mask
        out = self.model(img).flatten(1)
        return self.adv_layer(out), self.aux_layer(out)


def load(model, state, network, linears):
    num_convolutions = 0
    linears = list(linears)
    for layer in model.double().modules():
        shorts = ("weight", "bias")
        if isinstance(layer, nn.Linear):
            name = linears.pop(0)
        elif isinstance(layer, nn.Conv2d):
            num_convolutions += 1
            name = f"conv{num_convolutions}"
        elif isinstance(layer, nn.BatchNorm2d):
            name, shorts = f"norm{num_convolutions}", ("weight", "bias", "running_mean", "running_var")
        else:
            continue
        for short in shorts:
            getattr(layer, short).data.copy_(torch.tensor(state[f"{network}.{name}.{short}"]))


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    generator, discriminator = Generator(), Discriminator()
    load(generator, state, "generator", ["linear"])
    load(discriminator, state, "discriminator", ["h.score.linear", "h.told.linear"])
    adversarial_loss = torch.nn.BCELoss()
    auxiliary_loss = torch.nn.CrossEntropyLoss()
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    losses_d, losses_g = [], []
    for i in range(steps):
        tape = {name: torch.tensor(array[i % len(array)]) for name, array in arrays.items()}

        def score(images, of_pass, tape=tape):
            return discriminator(images, [tape[f"mask.{of_pass}.discriminator.drop{k}"] for k in (1, 2, 3, 4)])

        real_imgs, labels = tape["real"], tape["real_label"].long()
        z = tape["latent_d"]
        valid, fake = torch.ones(len(real_imgs), 1).double(), torch.zeros(len(real_imgs), 1).double()
        fake_aux_gt = torch.full((len(real_imgs),), 10)

        # Train Generator
        optimizer_g.zero_grad()
        gen_imgs = generator(z)
        validity, _ = score(gen_imgs, "generator.fake")
        g_loss = adversarial_loss(validity, valid)
        g_loss.backward()
        optimizer_g.step()

        # Train Discriminator
        optimizer_d.zero_grad()
        real_pred, real_aux = score(real_imgs, "discriminator.real")
        d_real_loss = (adversarial_loss(real_pred, valid) + auxiliary_loss(real_aux, labels)) / 2
        fake_pred, fake_aux = score(gen_imgs.detach(), "discriminator.fake")
        d_fake_loss = (adversarial_loss(fake_pred, fake) + auxiliary_loss(fake_aux, fake_aux_gt)) / 2
        d_loss = (d_real_loss + d_fake_loss) / 2
        d_loss.backward()
        optimizer_d.step()

        losses_d.append(d_loss.item())
        losses_g.append(g_loss.item())
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
