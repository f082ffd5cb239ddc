"""Networks in PyTorch of forms that none of the public programs has: norms, classes beside noise, scores in a row."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan_rosetta.shared.spec import GanSpec
from tests.unit.translate.torch_programs import NOISE, Pair, sine


def _flattening() -> Pair:
    generator = nn.Sequential(
        nn.Linear(64, 98), nn.ReLU(), nn.Unflatten(1, (2, 7, 7)), nn.ConvTranspose2d(2, 2, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(2, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(nn.Conv2d(1, 2, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(2 * 14 * 14, 1))
    return generator, discriminator


def _normalised() -> Pair:
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


class InARow(nn.Module):
    """Puts what it is given into one row."""

    def forward(self, x: Tensor) -> Tensor:
        return x.view(-1)


class Unsqueezed(nn.Module):
    """Puts two axes behind what it is given, and takes away one that it has."""

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(2).unsqueeze(3).squeeze(3).squeeze(2)


def _scores_in_a_row() -> Pair:
    generator, discriminator = sine()
    return nn.Sequential(Unsqueezed(), generator), nn.Sequential(discriminator, InARow())


class ConditionalRows(nn.Module):
    """As PyTorch-GAN's cgan has it, or its acgan, which multiplies noise and class."""

    def __init__(self, *, multiplies: bool) -> None:
        super().__init__()
        self.multiplies = multiplies
        self.label_emb = nn.Embedding(10, NOISE if multiplies else 10)
        self.model = nn.Sequential(
            nn.Linear(NOISE if multiplies else NOISE + 10, 4), nn.LeakyReLU(0.2, inplace=True), nn.Linear(4, 6),
            nn.BatchNorm1d(6, 0.8), nn.LeakyReLU(0.2, inplace=True), nn.Linear(6, 32 * 32), nn.Tanh(),
        )  # fmt: skip

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        if self.multiplies:
            gen_input = torch.mul(self.label_emb(labels), noise)
        else:
            gen_input = torch.cat((self.label_emb(labels), noise), -1)
        img = self.model(gen_input)
        return img.view(img.size(0), 1, 32, 32)


class ConditionalJudge(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.label_embedding = nn.Embedding(10, 10)
        self.model = nn.Sequential(
            nn.Linear(10 + 32 * 32, 8), nn.LeakyReLU(0.2, inplace=True), nn.Linear(8, 8), nn.Dropout(0.4),
            nn.LeakyReLU(0.2, inplace=True), nn.Linear(8, 1),
        )  # fmt: skip

    def forward(self, img: Tensor, labels: Tensor) -> Tensor:
        d_in = torch.cat((img.view(img.size(0), -1), self.label_embedding(labels)), -1)
        return self.model(d_in)


# Forms that are of no program above.
FORMS: dict[str, tuple[str | GanSpec, Callable[[], Pair]]] = {
    "spectral norms": ("sngan", _normalised),
    "flattened and unflattened": ("wgan", _flattening),
    "scores in a row": ("sine", _scores_in_a_row),
    "classes beside noise and rows": ("cgan", lambda: (ConditionalRows(multiplies=False), ConditionalJudge())),
    "classes times noise": ("cgan", lambda: (ConditionalRows(multiplies=True), ConditionalJudge())),
}
