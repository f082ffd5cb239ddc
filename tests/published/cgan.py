"""Conditional GAN on MNIST digits, after Erik Linder-Norén's PyTorch-GAN.

Its dropouts draw no masks here: each pass through D is given its own.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

N_CLASSES = 10
IMG_SHAPE = (1, 32, 32)


class Dropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p
        self.mask = None

    def forward(self, features):
        return features * (self.mask / (1 - self.p))


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.label_emb = nn.Embedding(N_CLASSES, N_CLASSES)

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.Linear(in_feat, out_feat)]
            if normalize:
                layers.append(nn.BatchNorm1d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.model = nn.Sequential(
            *block(100 + N_CLASSES, 128, normalize=False),
            *block(128, 256),
            *block(256, 512),
            *block(512, 1024),
            nn.Linear(1024, int(np.prod(IMG_SHAPE))),
            nn.Tanh(),
        )

    def forward(self, noise, labels):
        gen_input = torch.cat((self.label_emb(labels), noise), -1)
        img = self.model(gen_input)
        return img.view(img.size(0), *IMG_SHAPE)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.label_embedding = nn.Embedding(N_CLASSES, N_CLASSES)
        self.model = nn.Sequential(
            nn.Linear(N_CLASSES + int(np.prod(IMG_SHAPE)), 512),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(512, 512),
            Dropout(0.4),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(512, 512),
            Dropout(0.4),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(512, 1),
        )

    def forward(self, img, labels, masks):
        dropouts = [layer for layer in self.model if isinstance(layer, Dropout)]
        for dropout, mask in zip(dropouts, masks, strict=True):
            dropout.mask = mask
        d_in = torch.cat((img.view(img.size(0), -1), self.label_embedding(labels)), -1)
        return self.model(d_in)


def load(model, state, network, last):
    linears = [layer for layer in model.double().modules() if isinstance(layer, nn.Linear)]
    names = [f"linear{k}" for k in range(1, len(linears))] + [last]
    layers = dict(zip(names, linears, strict=True))
    norms = [layer for layer in model.modules() if isinstance(layer, nn.BatchNorm1d)]
    layers |= {f"norm{k}": norm for k, norm in enumerate(norms, start=2)}
    layers["embedding"] = next(layer for layer in model.modules() if isinstance(layer, nn.Embedding))
    for name, layer in layers.items():
        for short, tensor in layer.state_dict().items():
            if short != "num_batches_tracked":
                tensor.copy_(torch.tensor(state[f"{network}.{name}.{short}"]))


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    generator, discriminator = Generator(), Discriminator()
    load(generator, state, "generator", "linear5")
    load(discriminator, state, "discriminator", "output")
    adversarial_loss = torch.nn.MSELoss()
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.0002, betas=(0.5, 0.999))
    losses_d, losses_g = [], []
    for i in range(steps):
        tape = {name: torch.tensor(array[i % len(array)]) for name, array in arrays.items()}

        def score(images, classes, of_pass, tape=tape):
            masks = [tape[f"mask.{of_pass}.discriminator.drop{k}"] for k in (2, 3)]
            return discriminator(images, classes, masks)

        real_imgs, labels = tape["real"], tape["real_label"].long()
        z, gen_labels = tape["latent_d"], tape["label_d"].long()
        valid, fake = torch.ones(len(real_imgs), 1).double(), torch.zeros(len(real_imgs), 1).double()

        # Train Generator
        optimizer_g.zero_grad()
        gen_imgs = generator(z, gen_labels)
        g_loss = adversarial_loss(score(gen_imgs, gen_labels, "generator.fake"), valid)
        g_loss.backward()
        optimizer_g.step()

        # Train Discriminator
        optimizer_d.zero_grad()
        d_real_loss = adversarial_loss(score(real_imgs, labels, "discriminator.real"), valid)
        d_fake_loss = adversarial_loss(score(gen_imgs.detach(), gen_labels, "discriminator.fake"), fake)
        d_loss = (d_real_loss + d_fake_loss) / 2
        d_loss.backward()
        optimizer_d.step()

        losses_d.append(d_loss.item())
        losses_g.append(g_loss.item())
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
