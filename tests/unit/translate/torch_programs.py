"""Networks of ten public programs in PyTorch, in our words: their architecture, with fewer features, as was read there.

Each is of the program that its key in PROGRAMS names: a repository, or a site, and the program in it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from gan_rosetta.shared.spec import GanSpec
from tests.unit.translate.public_programs import of_logits

Pair = tuple[nn.Module, nn.Module]
CHANNELS, NOISE, WIDTH, PIXELS = 3, 100, 4, 28 * 28


class Rows(nn.Module):
    """A generator of rows by blocks that a function makes, its images formed by view."""

    def __init__(self, *epsilon: float) -> None:
        super().__init__()

        def block(first: int, second: int, *, normalize: bool = True) -> list[nn.Module]:
            layers: list[nn.Module] = [nn.Linear(first, second)]
            if normalize:
                layers.append(nn.BatchNorm1d(second, *epsilon))
            return [*layers, nn.LeakyReLU(0.2, inplace=True)]

        self.model = nn.Sequential(
            *block(NOISE, 4, normalize=False), *block(4, 8), *block(8, 12), *block(12, 16), nn.Linear(16, PIXELS),
            nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Tensor:
        image = self.model(z)
        return image.view(image.size(0), 1, 28, 28)


class JudgeOfRows(nn.Module):
    def __init__(self, *last: nn.Module) -> None:
        super().__init__()
        hidden = [nn.Linear(PIXELS, 8), nn.LeakyReLU(0.2, inplace=True), nn.Linear(8, 6)]
        self.model = nn.Sequential(*hidden, nn.LeakyReLU(0.2, inplace=True), nn.Linear(6, 1), *last)

    def forward(self, image: Tensor) -> Tensor:
        return self.model(image.view(image.shape[0], -1))


class UpsamplingGenerator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.init_size = 32 // 4
        self.l1 = nn.Sequential(nn.Linear(NOISE, 8 * self.init_size**2))
        self.conv_blocks = nn.Sequential(
            nn.BatchNorm2d(8),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(8, 8, 3, stride=1, padding=1),
            nn.BatchNorm2d(8, 0.8),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(8, 4, 3, stride=1, padding=1),
            nn.BatchNorm2d(4, 0.8),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(4, 1, 3, stride=1, padding=1),
            nn.Tanh(),
        )

    def forward(self, z: Tensor) -> Tensor:
        out = self.l1(z)
        out = out.view(out.shape[0], 8, self.init_size, self.init_size)
        return self.conv_blocks(out)


class StridingDiscriminator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        previous = 1
        for width, normalize in ((2, False), (4, True), (6, True), (8, False)):
            layers += [nn.Conv2d(previous, width, 3, 2, 1), nn.LeakyReLU(0.2, inplace=True), nn.Dropout2d(0.25)]
            layers += [nn.BatchNorm2d(width, 0.8)] if normalize else []
            previous = width
        self.model = nn.Sequential(*layers)
        self.adv_layer = nn.Sequential(nn.Linear(8 * 2**2, 1), nn.Sigmoid())

    def forward(self, image: Tensor) -> Tensor:
        out = self.model(image)
        return self.adv_layer(out.view(out.shape[0], -1))


class OnSeveralDevices(nn.Module):
    """A Sequential called main, given to several GPUs where there are any."""

    def __init__(self, *layers: nn.Module, num_gpus: int = 1) -> None:
        super().__init__()
        self.ngpu = num_gpus
        self.main = nn.Sequential(*layers)

    def forward(self, given: Tensor) -> Tensor:
        if given.is_cuda and self.ngpu > 1:
            output = nn.parallel.data_parallel(self.main, given, range(self.ngpu))
        else:
            output = self.main(given)
        return output


class ScoresInARow(OnSeveralDevices):
    """As that, its images of one pixel put into one row."""

    def forward(self, given: Tensor) -> Tensor:
        return super().forward(given).view(-1, 1).squeeze(1)


def _examples_dcgan() -> Pair:
    def up(first: int, second: int, *how: int) -> list[nn.Module]:
        return [nn.ConvTranspose2d(first, second, 4, *how, bias=False), nn.BatchNorm2d(second), nn.ReLU(True)]

    def down(first: int, second: int) -> list[nn.Module]:
        conv = nn.Conv2d(first, second, 4, 2, 1, bias=False)
        return [conv, nn.BatchNorm2d(second), nn.LeakyReLU(0.2, inplace=True)]

    w = WIDTH
    generator = OnSeveralDevices(
        *up(NOISE, w * 8, 1, 0), *up(w * 8, w * 4, 2, 1), *up(w * 4, w * 2, 2, 1), *up(w * 2, w, 2, 1),
        nn.ConvTranspose2d(w, CHANNELS, 4, 2, 1, bias=False), nn.Tanh(),
    )  # fmt: skip
    discriminator = ScoresInARow(
        nn.Conv2d(CHANNELS, w, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True), *down(w, w * 2),
        *down(w * 2, w * 4), *down(w * 4, w * 8), nn.Conv2d(w * 8, 1, 4, 1, 0, bias=False), nn.Sigmoid(),
    )  # fmt: skip
    return initialized(generator), initialized(discriminator)


def initialized(network: nn.Module) -> nn.Module:
    """Give a network the first values that such programs give it."""

    def weights_init(module: nn.Module) -> None:
        name = module.__class__.__name__
        if name.find("Conv") != -1:
            nn.init.normal_(module.weight.data, 0.0, 0.02)
        elif name.find("BatchNorm") != -1:
            nn.init.normal_(module.weight.data, 1.0, 0.02)
            nn.init.constant_(module.bias.data, 0)

    network.apply(weights_init)
    return network


def sine() -> Pair:
    """Return networks that fit sine."""
    generator = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 16))
    return generator, nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1), nn.Sigmoid())


class NumberedGenerator(nn.Module):
    """Layers called fc1 to fc4, activations by functions."""

    def __init__(self, noise: int, pixels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(noise, 4)
        self.fc2 = nn.Linear(self.fc1.out_features, self.fc1.out_features * 2)
        self.fc3 = nn.Linear(self.fc2.out_features, self.fc2.out_features * 2)
        self.fc4 = nn.Linear(self.fc3.out_features, pixels)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.fc1, self.fc2, self.fc3):
            x = functional.leaky_relu(layer(x), 0.2)
        return torch.tanh(self.fc4(x))


class NumberedDiscriminator(nn.Module):
    """As the generator, with dropouts that are functions."""

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(pixels, 16)
        self.fc2 = nn.Linear(self.fc1.out_features, self.fc1.out_features // 2)
        self.fc3 = nn.Linear(self.fc2.out_features, self.fc2.out_features // 2)
        self.fc4 = nn.Linear(self.fc3.out_features, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.fc1, self.fc2, self.fc3):
            x = functional.dropout(functional.leaky_relu(layer(x), 0.2), 0.3)
        return torch.sigmoid(self.fc4(x))


class OwnNorm(nn.Module):
    """A spectral norm of the program's own, around a layer whose weight it makes at each call."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        weight = module.weight
        rows = weight.detach().view(weight.shape[0], -1)
        del module._parameters["weight"]
        for name, size in (("weight_u", rows.shape[0]), ("weight_v", rows.shape[1])):
            module.register_parameter(name, nn.Parameter(self.unit(torch.randn(size)), requires_grad=False))
        module.register_parameter("weight_bar", nn.Parameter(weight.data))

    @staticmethod
    def unit(vector: Tensor) -> Tensor:
        return vector / (vector.norm() + 1e-12)

    def forward(self, *given: Tensor) -> Tensor:
        u, v, weight = self.module.weight_u, self.module.weight_v, self.module.weight_bar
        rows = weight.view(weight.shape[0], -1)
        v.data = self.unit(torch.mv(torch.t(rows.data), u.data))
        u.data = self.unit(torch.mv(rows.data, v.data))
        self.module.weight = weight / u.dot(rows.mv(v)).expand_as(weight)
        return self.module.forward(*given)


class Normalised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        widths = (CHANNELS, 2, 2, 3, 3, 4, 4, 5)
        for place in range(1, 8):
            kernel, stride = (4, 2) if place % 2 == 0 else (3, 1)
            conv = nn.Conv2d(widths[place - 1], widths[place], kernel, stride=stride, padding=(1, 1))
            self.add_module(f"conv{place}", OwnNorm(conv))
        self.fc = OwnNorm(nn.Linear(4 * 4 * 5, 1))

    def forward(self, x: Tensor) -> Tensor:
        for place in range(1, 8):
            x = nn.LeakyReLU(0.1)(getattr(self, f"conv{place}")(x))
        return self.fc(x.view(-1, 4 * 4 * 5))


class OfNormalised(nn.Module):
    def __init__(self, noise: int) -> None:
        super().__init__()
        self.noise = noise
        layers: list[nn.Module] = [nn.ConvTranspose2d(noise, 8, 4, stride=1), nn.BatchNorm2d(8), nn.ReLU()]
        for first, second in ((8, 6), (6, 4), (4, 2)):
            layers += [
                nn.ConvTranspose2d(first, second, 4, stride=2, padding=(1, 1)),
                nn.BatchNorm2d(second),
                nn.ReLU(),
            ]
        self.model = nn.Sequential(*layers, nn.ConvTranspose2d(2, CHANNELS, 3, stride=1, padding=(1, 1)), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return self.model(z.view(-1, self.noise, 1, 1))


class Block(nn.Module):
    """A convolution, a norm and an activation, which the book calls a block."""

    def __init__(self, conv: nn.Module, activation: nn.Module) -> None:
        super().__init__()
        self.conv2d, self.batch_norm, self.activation = conv, nn.BatchNorm2d(conv.out_channels), activation

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.batch_norm(self.conv2d(x)))


def _book_dcgan() -> Pair:
    def up(first: int, second: int, stride: int = 2, padding: int = 1) -> Block:
        return Block(nn.ConvTranspose2d(first, second, 4, stride, padding, bias=False), nn.ReLU())

    def down(second: int, first: int = CHANNELS) -> Block:
        return Block(nn.Conv2d(first, second, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True))

    w = WIDTH
    generator = nn.Sequential(
        up(NOISE, w * 8, 1, 0), up(w * 8, w * 4), up(w * 4, w * 2), up(w * 2, w),
        nn.ConvTranspose2d(w, CHANNELS, kernel_size=4, stride=2, padding=1, bias=False), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        down(w), down(w * 2, w), down(w * 4, w * 2), down(w * 8, w * 4), nn.Conv2d(w * 8, 1, kernel_size=4, bias=False)
    )
    return generator, discriminator


def _book_points() -> Pair:
    hidden = [nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3), nn.Tanh()]
    return nn.Sequential(nn.Linear(2, 2)), nn.Sequential(*hidden, nn.Linear(3, 1))


class Cut(nn.Module):
    """Of 4 by 4, which becomes 8 by 8, of which 7 by 7 are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.preprocess = nn.Sequential(nn.Linear(128, 4 * 4 * 8), nn.ReLU(True))
        self.block1 = nn.Sequential(nn.ConvTranspose2d(8, 4, 5), nn.ReLU(True))
        self.block2 = nn.Sequential(nn.ConvTranspose2d(4, 2, 5), nn.ReLU(True))
        self.deconv_out, self.sigmoid = nn.ConvTranspose2d(2, 1, 8, stride=2), nn.Sigmoid()

    def forward(self, given: Tensor) -> Tensor:
        output = self.block1(self.preprocess(given).view(-1, 8, 4, 4))
        output = self.block2(output[:, :, :7, :7])
        return self.sigmoid(self.deconv_out(output)).view(-1, PIXELS)


class Critic(nn.Module):
    """Of rows, which it makes images of 28 by 28; its scores in a row."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for first, second in ((1, 2), (2, 4), (4, 8)):
            layers += [nn.Conv2d(first, second, 5, stride=2, padding=2), nn.ReLU(True)]
        self.main = nn.Sequential(*layers)
        self.output = nn.Linear(4 * 4 * 8, 1)

    def forward(self, given: Tensor) -> Tensor:
        out = self.main(given.view(-1, 1, 28, 28))
        return self.output(out.view(-1, 4 * 4 * 8)).view(-1)


def _flattened(generator: nn.Module, discriminator: nn.Module) -> Pair:
    """Return networks of rows with what their program does around them."""
    return nn.Sequential(generator, nn.Unflatten(1, (1, 28, 28))), nn.Sequential(nn.Flatten(), discriminator)


# Of each program: the GAN that has its data and losses, or others of the same shapes, and what makes both networks.
PROGRAMS: dict[str, tuple[str | GanSpec, Callable[[], Pair]]] = {
    "eriklindernoren/PyTorch-GAN, gan": ("wgan", lambda: (Rows(0.8), JudgeOfRows(nn.Sigmoid()))),
    "eriklindernoren/PyTorch-GAN, wgan": ("wgan", lambda: (Rows(), JudgeOfRows())),
    "eriklindernoren/PyTorch-GAN, dcgan": ("lsgan", lambda: (UpsamplingGenerator(), StridingDiscriminator())),
    "pytorch/examples, dcgan": ("dcgan", _examples_dcgan),
    "MorvanZhou/PyTorch-Tutorial, 406_GAN": ("sine", sine),
    "lyeoni/pytorch-mnist-GAN": (
        "wgan",
        lambda: _flattened(NumberedGenerator(NOISE, PIXELS), NumberedDiscriminator(PIXELS)),
    ),
    "d2l.ai, gan": (of_logits("linear-2d", 1), _book_points),
    "d2l.ai, dcgan": (of_logits("dcgan", 1), _book_dcgan),
}
# Of each that is not read: what is said.
NOT_READ: dict[str, tuple[str | GanSpec, Callable[[], Pair], str]] = {
    "christiancosgrove/pytorch-spectral-normalization-gan": (
        "sngan",
        lambda: (OfNormalised(128), Normalised()),
        "discriminator.conv1.module.weight_u is taken by a forward itself",
    ),
    "caogang/wgan-gp, gan_mnist": (
        "wgan-gp-conv",
        lambda: (Cut(), Critic()),
        "generator, in forward: getitem is no layer",
    ),
}
