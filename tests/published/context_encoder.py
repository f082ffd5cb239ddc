"""Context encoder on MNIST digits, after Erik Linder-Norén's PyTorch-GAN: --channels 1 --img_size 32 --mask_size 16.

Its images with a hole, and what was there, come from outside in place of its own loader. Its bottleneck of 4000
channels has 400 here.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

CHANNELS = 1
MASK_SIZE = 16
BOTTLENECK = 400


class Generator(nn.Module):
    def __init__(self):
        super().__init__()

        def downsample(in_feat, out_feat, normalize=True):
            layers = [nn.Conv2d(in_feat, out_feat, 4, stride=2, padding=1)]
            if normalize:
                layers.append(nn.BatchNorm2d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2))
            return layers

        def upsample(in_feat, out_feat):
            return [
                nn.ConvTranspose2d(in_feat, out_feat, 4, stride=2, padding=1),
                nn.BatchNorm2d(out_feat, 0.8),
                nn.ReLU(),
            ]

        self.model = nn.Sequential(
            *downsample(CHANNELS, 64, normalize=False),
            *downsample(64, 64),
            *downsample(64, 128),
            *downsample(128, 256),
            *downsample(256, 512),
            nn.Conv2d(512, BOTTLENECK, 1),
            *upsample(BOTTLENECK, 512),
            *upsample(512, 256),
            *upsample(256, 128),
            *upsample(128, 64),
            nn.Conv2d(64, CHANNELS, 3, 1, 1),
            nn.Tanh(),
        )

    def forward(self, x):
        return self.model(x)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        in_filters = CHANNELS
        for out_filters, stride, normalize in [(64, 2, False), (128, 2, True), (256, 2, True), (512, 1, True)]:
            layers.append(nn.Conv2d(in_filters, out_filters, 3, stride, 1))
            if normalize:
                layers.append(nn.InstanceNorm2d(out_filters))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            in_filters = out_filters
        layers.append(nn.Conv2d(out_filters, 1, 3, 1, 1))
        self.model = nn.Sequential(*layers)

    def forward(self, img):
        return self.model(img)


NAMES = {
    "generator": ["down1", "down2", "down3", "down4", "down5", "bottleneck", "up6", "up7", "up8", "up9", "output"],
    "discriminator": ["conv1", "conv2", "conv3", "conv4", "output"],
}


def load(model, state, network):
    convolutions = iter(NAMES[network])
    last = ""
    for layer in model.double().modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            last = next(convolutions)
            name, shorts = last, ("weight", "bias")
        elif isinstance(layer, nn.BatchNorm2d):
            name, shorts = f"norm{last[-1]}", ("weight", "bias", "running_mean", "running_var")
        else:
            continue
        for short in shorts:
            getattr(layer, short).data.copy_(torch.tensor(state[f"{network}.{name}.{short}"]))


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    generator, discriminator = Generator(), Discriminator()
    load(generator, state, "generator")
    load(discriminator, state, "discriminator")
    adversarial_loss, pixelwise_loss = nn.MSELoss(), nn.L1Loss()
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    patch = (1, MASK_SIZE // 2**3, MASK_SIZE // 2**3)
    losses_d, losses_g = [], []
    for i in range(steps):
        masked_imgs = torch.tensor(arrays["latent_d"][i % len(arrays["latent_d"])])
        masked_parts = torch.tensor(arrays["real"][i % len(arrays["real"])])
        valid, fake = (torch.full((len(masked_imgs), *patch), target).double() for target in (1.0, 0.0))

        # Train Generator
        optimizer_g.zero_grad()
        gen_parts = generator(masked_imgs)
        g_adv = adversarial_loss(discriminator(gen_parts), valid)
        g_pixel = pixelwise_loss(gen_parts, masked_parts)
        g_loss = 0.001 * g_adv + 0.999 * g_pixel
        g_loss.backward()
        optimizer_g.step()

        # Train Discriminator
        optimizer_d.zero_grad()
        real_loss = adversarial_loss(discriminator(masked_parts), valid)
        fake_loss = adversarial_loss(discriminator(gen_parts.detach()), fake)
        d_loss = 0.5 * (real_loss + fake_loss)
        d_loss.backward()
        optimizer_d.step()

        losses_d.append(d_loss.item())
        losses_g.append(g_loss.item())
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
