"""InfoGAN on MNIST digits, after Erik Linder-Norén's PyTorch-GAN.

Its dropouts draw no masks here: each pass through D is given its own.
"""

import itertools
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
        self.l1 = nn.Sequential(nn.Linear(62 + 10 + 2, 128 * self.init_size**2))
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

    def forward(self, noise, labels, code):
        out = self.l1(torch.cat((noise, labels, code), -1))
        return self.conv_blocks(out.view(out.shape[0], 128, self.init_size, self.init_size))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()

        def discriminator_block(in_filters, out_filters, bn=True):
            block = [nn.Conv2d(in_filters, out_filters, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), Dropout2d(0.25)]
            if bn:
                block.append(nn.BatchNorm2d(out_filters, 0.8))
            return block

        self.conv_blocks = nn.Sequential(
            *discriminator_block(1, 16, bn=False),
            *discriminator_block(16, 32),
            *discriminator_block(32, 64),
            *discriminator_block(64, 128),
        )
        ds_size = 32 // 2**4
        self.adv_layer = nn.Sequential(nn.Linear(128 * ds_size**2, 1))
        self.aux_layer = nn.Sequential(nn.Linear(128 * ds_size**2, 10), nn.Softmax(dim=1))
        self.latent_layer = nn.Sequential(nn.Linear(128 * ds_size**2, 2))

    def forward(self, img, masks):
        dropouts = [layer for layer in self.conv_blocks if isinstance(layer, Dropout2d)]
        for dropout, mask in zip(dropouts, masks, strict=True):
            dropout.mask = mask
        out = self.conv_blocks(img).flatten(1)
        return self.adv_layer(out), self.aux_layer(out), self.latent_layer(out)


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
    heads = ["heads.score.linear", "heads.category.linear", "heads.code.linear"]
    load(discriminator, state, "discriminator", heads)
    adversarial_loss = torch.nn.MSELoss()
    categorical_loss = torch.nn.CrossEntropyLoss()
    continuous_loss = torch.nn.MSELoss()
    lambda_cat = 1
    lambda_con = 0.1
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_info = torch.optim.Adam(
        itertools.chain(generator.parameters(), discriminator.parameters()), lr=0.0002, betas=(0.5, 0.999)
    )
    losses_d, losses_g, losses_info = [], [], []
    for i in range(steps):
        tape = {name: torch.tensor(array[i % len(array)]) for name, array in arrays.items()}

        def found(images, of_pass, tape=tape):
            return discriminator(images, [tape[f"mask.{of_pass}.discriminator.drop{k}"] for k in (1, 2, 3, 4)])

        real_imgs = tape["real"]
        valid, fake = torch.ones(len(real_imgs), 1).double(), torch.zeros(len(real_imgs), 1).double()

        # Train Generator
        optimizer_g.zero_grad()
        z, label_input, code_input = tape["latent_d"].split((62, 10, 2), dim=1)
        gen_imgs = generator(z, label_input, code_input)
        validity, _, _ = found(gen_imgs, "generator.fake")
        g_loss = adversarial_loss(validity, valid)
        g_loss.backward()
        optimizer_g.step()

        # Train Discriminator
        optimizer_d.zero_grad()
        real_pred, _, _ = found(real_imgs, "discriminator.real")
        d_real_loss = adversarial_loss(real_pred, valid)
        fake_pred, _, _ = found(gen_imgs.detach(), "discriminator.fake")
        d_fake_loss = adversarial_loss(fake_pred, fake)
        d_loss = (d_real_loss + d_fake_loss) / 2
        d_loss.backward()
        optimizer_d.step()

        # Information Loss
        optimizer_info.zero_grad()
        z, label_input, code_input = tape["latent_j"].split((62, 10, 2), dim=1)
        gt_labels = label_input.argmax(dim=1)
        gen_imgs = generator(z, label_input, code_input)
        _, pred_label, pred_code = found(gen_imgs, "joint.fake")
        info_loss = lambda_cat * categorical_loss(pred_label, gt_labels) + lambda_con * continuous_loss(
            pred_code, code_input
        )
        info_loss.backward()
        optimizer_info.step()

        losses_d.append(d_loss.item())
        losses_g.append(g_loss.item())
        losses_info.append(info_loss.item())
    losses = {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
    return losses | {"joint": np.array(losses_info)}
