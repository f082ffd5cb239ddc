"""Networks of well-known programs in PyTorch, in the form in which their authors have them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS, NOISE, WIDTH = 3, 100, 8


class Rows(nn.Module):
    """A generator of rows by blocks that a function makes, its images formed by view."""

    def __init__(self, shape: tuple[int, ...] = (1, 28, 28)) -> None:
        super().__init__()
        self.shape = shape

        def block(first: int, second: int, normalize: bool = True) -> list[nn.Module]:
            layers: list[nn.Module] = [nn.Linear(first, second)]
            if normalize:
                layers.append(nn.BatchNorm1d(second, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.model = nn.Sequential(
            *block(100, 16, normalize=False), *block(16, 32), nn.Linear(32, int(np.prod(shape))), nn.Tanh()
        )

    def forward(self, z: Tensor) -> Tensor:
        img = self.model(z)
        return img.view(img.size(0), *self.shape)


class JudgeOfRows(nn.Module):
    def __init__(self, last: nn.Module | None = None) -> None:
        super().__init__()
        ends = [nn.Linear(16, 1)] if last is None else [nn.Linear(16, 1), last]
        self.model = nn.Sequential(nn.Linear(784, 32), nn.LeakyReLU(0.2), nn.Linear(32, 16), nn.LeakyReLU(0.2), *ends)

    def forward(self, img: Tensor) -> Tensor:
        return self.model(img.view(img.shape[0], -1))


class UpsamplingGenerator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.init_size = 32 // 4
        self.l1 = nn.Sequential(nn.Linear(NOISE, WIDTH * self.init_size**2))
        self.conv_blocks = nn.Sequential(
            nn.BatchNorm2d(WIDTH),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(WIDTH, WIDTH, 3, stride=1, padding=1),
            nn.BatchNorm2d(WIDTH, 0.8),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(WIDTH, 4, 3, stride=1, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(4, 1, 3, stride=1, padding=1),
            nn.Tanh(),
        )

    def forward(self, z: Tensor) -> Tensor:
        out = self.l1(z)
        out = out.view(out.shape[0], WIDTH, self.init_size, self.init_size)
        return self.conv_blocks(out)


class StridingDiscriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()

        def discriminator_block(first: int, second: int, bn: bool = True) -> list[nn.Module]:
            block = [nn.Conv2d(first, second, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Dropout2d(0.25)]
            if bn:
                block.append(nn.BatchNorm2d(second, 0.8))
            return block

        self.model = nn.Sequential(*discriminator_block(1, 4, bn=False), *discriminator_block(4, 8))
        self.adv_layer = nn.Linear(8 * 8**2, 1)

    def forward(self, img: Tensor) -> Tensor:
        out = self.model(img)
        out = out.view(out.shape[0], -1)
        return self.adv_layer(out)


class GeneratorOfImages(nn.Module):
    """Of 32 by 32, with a Sequential that is called main."""

    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(NOISE, WIDTH * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(WIDTH * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(WIDTH * 2, WIDTH, 4, 2, 1, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(True),
            nn.ConvTranspose2d(WIDTH, WIDTH, 4, 2, 1, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(True),
            nn.ConvTranspose2d(WIDTH, CHANNELS, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x)


class JudgeOfImages(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(CHANNELS, WIDTH, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(WIDTH, WIDTH * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(WIDTH * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(WIDTH * 2, WIDTH * 4, 4, 2, 1, bias=False),
            nn.BatchNorm2d(WIDTH * 4),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(WIDTH * 4, 1, 4, 1, 0, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x)


def initialized(network: nn.Module) -> nn.Module:
    """Give a network the first values that such programs give it."""

    def weights_init(m: nn.Module) -> None:
        name = m.__class__.__name__
        if name.find("Conv") != -1:
            nn.init.normal_(m.weight.data, 0.0, 0.02)
        elif name.find("BatchNorm") != -1:
            nn.init.normal_(m.weight.data, 1.0, 0.02)
            nn.init.constant_(m.bias.data, 0)

    network.apply(weights_init)
    return network


class NumberedGenerator(nn.Module):
    """Layers called fc1 to fc4, activations by functions."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(NOISE, 16)
        self.fc2 = nn.Linear(self.fc1.out_features, self.fc1.out_features * 2)
        self.fc3 = nn.Linear(self.fc2.out_features, 784)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.leaky_relu(self.fc1(x), 0.2)
        x = functional.leaky_relu(self.fc2(x), 0.2)
        return torch.tanh(self.fc3(x)).reshape(-1, 1, 28, 28)


class NumberedDiscriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.act, self.drop = nn.LeakyReLU(0.2), nn.Dropout(0.3)
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 32), nn.Linear(32, 16), nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.flatten(x, 1)
        x = self.drop(self.act(self.fc1(x)))
        x = self.drop(self.act(self.fc2(x)))
        return torch.sigmoid(self.fc3(x))


class DistributionGenerator(nn.Module):
    """Of a distribution of numbers, with layers called map."""

    def __init__(self, input_size: int, hidden_size: int, output_size: int, f: object) -> None:
        super().__init__()
        self.map1 = nn.Linear(input_size, hidden_size)
        self.map2 = nn.Linear(hidden_size, hidden_size)
        self.map3 = nn.Linear(hidden_size, output_size)
        self.f = f

    def forward(self, x: Tensor) -> Tensor:
        x = self.f(self.map1(x))
        x = self.f(self.map2(x))
        return self.map3(x)


class DistributionDiscriminator(DistributionGenerator):
    def forward(self, x: Tensor) -> Tensor:
        x = self.f(self.map1(x))
        x = self.f(self.map2(x))
        return self.f(self.map3(x))


def _sine() -> tuple[nn.Module, nn.Module]:
    generator = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 16))
    return generator, nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1), nn.Sigmoid())


def _flattening() -> tuple[nn.Module, nn.Module]:
    generator = nn.Sequential(
        nn.Linear(64, 98), nn.ReLU(), nn.Unflatten(1, (2, 7, 7)), nn.ConvTranspose2d(2, 2, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(2, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(nn.Conv2d(1, 2, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(2 * 14 * 14, 1))
    return generator, discriminator


def _normalised() -> tuple[nn.Module, nn.Module]:
    norm = nn.utils.parametrizations.spectral_norm
    discriminator = nn.Sequential(
        norm(nn.Conv2d(3, 4, 4, 2, 1)), nn.LeakyReLU(0.1), norm(nn.Conv2d(4, 8, 4, 2, 1)), nn.LeakyReLU(0.1),
        nn.Flatten(), norm(nn.Linear(8 * 8 * 8, 1), n_power_iterations=2),
    )  # fmt: skip
    generator = nn.Sequential(
        nn.ConvTranspose2d(128, 4, 4), nn.ReLU(), norm(nn.ConvTranspose2d(4, 4, 4, 2, 1)), nn.ReLU(),
        nn.ConvTranspose2d(4, 3, 4, 4), nn.Tanh(),
    )  # fmt: skip
    return generator, discriminator


# Of each: the GAN of the catalogue that has its data and losses, and what makes both networks.
PROGRAMS = {
    "linear layers on images": ("wgan", lambda: (Rows(), JudgeOfRows(nn.Sigmoid()))),
    "a critic of linear layers": ("wgan", lambda: (Rows(), JudgeOfRows())),
    "a critic under a gradient penalty": ("mnist-wgan-gp", lambda: (Rows(), JudgeOfRows())),
    "upsampling and striding": ("lsgan", lambda: (UpsamplingGenerator(), StridingDiscriminator())),
    "transposed convolutions": (
        "mnist-conv",
        lambda: (initialized(GeneratorOfImages()), initialized(JudgeOfImages())),
    ),
    "activations by functions": ("wgan", lambda: (NumberedGenerator(), NumberedDiscriminator())),
    "a distribution of numbers": (
        "gaussian-1d",
        lambda: (
            DistributionGenerator(1, 5, 1, torch.tanh),
            DistributionDiscriminator(1, 10, 1, torch.sigmoid),
        ),
    ),
    "Sequential alone": ("sine", _sine),
    "spectral norms": ("sngan", _normalised),
    "flattened and unflattened": ("wgan", _flattening),
    "two numbers": (
        "linear-2d",
        lambda: (
            nn.Sequential(nn.Linear(2, 2)),
            nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 2)),
        ),
    ),
}
