"""Deep convolutional GAN on MNIST digits, after a tutorial with Adadelta, D trained in two steps of nine."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.up1, self.norm1 = nn.ConvTranspose2d(100, 768, 3, 1, 0, bias=False), nn.BatchNorm2d(768)
        self.up2, self.norm2 = nn.ConvTranspose2d(768, 384, 3, 1, 0, bias=False), nn.BatchNorm2d(384)
        self.up3, self.norm3 = nn.ConvTranspose2d(384, 192, 3, 2, 0, bias=False), nn.BatchNorm2d(192)
        self.up4, self.norm4 = nn.ConvTranspose2d(192, 96, 2, 2, 0, bias=False), nn.BatchNorm2d(96)
        self.up5, self.norm5 = nn.ConvTranspose2d(96, 48, 3, 1, 0, bias=False), nn.BatchNorm2d(48)
        self.up6, self.norm6 = nn.ConvTranspose2d(48, 24, 3, 1, 0, bias=False), nn.BatchNorm2d(24)
        self.up7, self.norm7 = nn.ConvTranspose2d(24, 12, 3, 1, 0, bias=False), nn.BatchNorm2d(12)
        self.up8, self.norm8 = nn.ConvTranspose2d(12, 6, 3, 1, 0, bias=False), nn.BatchNorm2d(6)
        self.up9, self.norm9 = nn.ConvTranspose2d(6, 3, 3, 1, 0, bias=False), nn.BatchNorm2d(3)

    def forward(self, x):
        x = torch.relu(self.norm1(self.up1(x)))  # 3
        x = torch.relu(self.norm2(self.up2(x)))  # 5
        x = torch.relu(self.norm3(self.up3(x)))  # 11
        x = torch.relu(self.norm4(self.up4(x)))  # 22
        x = torch.relu(self.norm5(self.up5(x)))  # 24
        x = torch.relu(self.norm6(self.up6(x)))  # 26
        x = torch.relu(self.norm7(self.up7(x)))  # 28
        x = torch.relu(self.norm8(self.up8(x)))  # 30
        return torch.sigmoid(self.norm9(self.up9(x)))  # 32


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.norm1 = nn.Conv2d(3, 6, 3, 1, 0, bias=False), nn.BatchNorm2d(6)
        self.down2, self.norm2 = nn.Conv2d(6, 12, 4, 1, 0, bias=False), nn.BatchNorm2d(12)
        self.down3, self.norm3 = nn.Conv2d(12, 24, 3, 1, 0, bias=False), nn.BatchNorm2d(24)
        self.down4, self.norm4 = nn.Conv2d(24, 48, 4, 1, 0, bias=False), nn.BatchNorm2d(48)
        self.down5, self.norm5 = nn.Conv2d(48, 96, 3, 1, 0), nn.BatchNorm2d(96)
        self.down6, self.norm6 = nn.Conv2d(96, 192, 4, 1, 0), nn.BatchNorm2d(192)
        self.down7, self.norm7 = nn.Conv2d(192, 384, 3, 2, 0), nn.BatchNorm2d(384)
        self.down8, self.norm8 = nn.Conv2d(384, 768, 4, 1, 0), nn.BatchNorm2d(768)
        self.output = nn.Conv2d(768, 1, 5)
        self.leaky_relu = nn.LeakyReLU(0.2)

    def forward(self, x):
        for i in range(1, 9):
            down, norm = getattr(self, f"down{i}"), getattr(self, f"norm{i}")
            x = self.leaky_relu(norm(down(x)))
        return torch.sigmoid(self.output(x)).view(-1)


def load(net, state, network):
    wanted = {name for name in net.state_dict() if not name.endswith("num_batches_tracked")}
    loaded = net.double().load_state_dict({n: torch.tensor(state[f"{network}.{n}"]) for n in wanted}, strict=False)
    assert all(name.endswith("num_batches_tracked") for name in loaded.missing_keys)


def run(
    state: Mapping[str, np.ndarray], arrays: Mapping[str, np.ndarray], *, pretraining_steps: int, steps: int
) -> dict[str, np.ndarray]:
    assert pretraining_steps == 0, "this program does not pretrain"
    net_g, net_d = Generator(), Discriminator()
    load(net_g, state, "generator")
    load(net_d, state, "discriminator")
    criterion = nn.BCELoss()
    optimizer_d = torch.optim.Adadelta(net_d.parameters(), lr=0.001, rho=0.9, eps=1e-6)
    optimizer_g = torch.optim.Adadelta(net_g.parameters(), lr=0.001, rho=0.9, eps=1e-6)

    losses_d, losses_g = [], []
    for step in range(steps):
        images, noise_d, noise_g = (
            torch.tensor(arrays[name][step % len(arrays[name])]) for name in ("real", "latent_d", "latent_g")
        )
        ones, zeros = torch.ones(len(images)).double(), torch.zeros(len(images)).double()
        loss_d = torch.tensor(float("nan"))
        if (step % 9) % 5 == 0:
            optimizer_d.zero_grad()
            loss_d_real = criterion(net_d(images), ones)
            loss_d_fake = criterion(net_d(net_g(noise_d).detach()), zeros)
            loss_d = loss_d_real + loss_d_fake
            loss_d.backward()
            optimizer_d.step()
        losses_d.append(loss_d.item())

        optimizer_g.zero_grad()
        loss_g = criterion(net_d(net_g(noise_g)), ones)
        loss_g.backward()
        optimizer_g.step()
        losses_g.append(loss_g.item())
    return {"pretraining": np.array([]), "discriminator": np.array(losses_d), "generator": np.array(losses_g)}
