"""The programs published in PyTorch: modules, torch's own optimizers, and a loop that reads its losses in each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, autograd, nn

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import counter_name, network_parameters, slot_name, state_schema

_DTYPES = {"float32": torch.float32, "float64": torch.float64}
# What torch's optimizers call the slots.
_SLOTS = {"m": "exp_avg", "v": "exp_avg_sq", "square": "square_avg", "delta": "acc_delta"}


class _Program:
    """Networks and their optimizers, whose tensors lie in the schema's order."""

    def __init__(self, spec: GanSpec, dtype: str, /, *, generator: nn.Module, discriminator: nn.Module) -> None:
        self._spec, self.dtype = spec, _DTYPES[dtype]
        self._networks = {"generator": generator.to(self.dtype), "discriminator": discriminator.to(self.dtype)}
        self._optimizers: dict[str, torch.optim.Optimizer] = {}

    def optimize(self, *, generator: torch.optim.Optimizer, discriminator: torch.optim.Optimizer) -> None:
        """Keep the optimizers of both networks."""
        self._optimizers = {"generator": generator, "discriminator": discriminator}

    def load(self, state: Mapping[str, np.ndarray], /) -> None:
        """As Program.load."""
        for name, network in self._networks.items():
            for parameter in network.parameters():
                step = torch.tensor(float(state[counter_name(name)]))
                slots = {short: torch.zeros_like(parameter) for short in self._slots(name).values()}
                self._optimizers[name].state[parameter] = {"step": step, **slots}
        for name, tensor in self._tensors():
            tensor.copy_(torch.from_numpy(state[name]))

    def export(self) -> dict[str, np.ndarray]:
        """As Program.export."""
        return {name: tensor.numpy().copy() for name, tensor in self._tensors()}

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        """Yield parameters, buffers and slots by their canonical names."""
        for name, network in self._networks.items():
            for own, parameter in zip(network_parameters(self._spec, name), network.parameters(), strict=True):
                yield own.name, parameter.detach()
                for slot, short in self._slots(name).items():
                    yield slot_name(name, own.name, slot), self._optimizers[name].state[parameter][short]
            schema = state_schema(self._spec).values()
            buffers = [tensor for tensor in schema if tensor.role == "buffer" and tensor.network == name]
            running = [buffer for buffer in network.buffers() if buffer.is_floating_point()]
            yield from ((own.name, buffer) for own, buffer in zip(buffers, running, strict=True))

    def _slots(self, network: str) -> dict[str, str]:
        training = self._spec.training
        optimizers = {"generator": training.generator_optimizer, "discriminator": training.discriminator_optimizer}
        return {slot: _SLOTS[slot] for slot in optimizers[network].slots}


class Sine(_Program):
    """Morvan Zhou's PyTorch tutorial 406, with sines for parabolas: G first, then D."""

    def __init__(self, spec: GanSpec, dtype: str, /) -> None:
        self._g = nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 16))
        self._d = nn.Sequential(
            nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 1), nn.Sigmoid()
        )
        super().__init__(spec, dtype, generator=self._g, discriminator=self._d)
        self._opt_d = torch.optim.Adam(self._d.parameters(), lr=0.0001)
        self._opt_g = torch.optim.Adam(self._g.parameters(), lr=0.0001)
        self.optimize(generator=self._opt_g, discriminator=self._opt_d)

    def train(self, arrays: Mapping[str, np.ndarray], /, *, first_step: int) -> dict[str, list[float]]:
        """As Program.train."""
        del first_step
        losses: dict[str, list[float]] = {"discriminator": [], "generator": [], "real_score": []}
        for paintings, ideas in zip(arrays["real"], arrays["latent_d"], strict=True):
            artist_paintings = torch.from_numpy(paintings)
            made_paintings = self._g(torch.from_numpy(ideas))
            prob_artist1 = self._d(made_paintings)
            g_loss = torch.mean(torch.log(1.0 - prob_artist1))
            self._opt_g.zero_grad()
            g_loss.backward()
            self._opt_g.step()

            prob_artist0 = self._d(artist_paintings)
            prob_artist1 = self._d(made_paintings.detach())
            d_loss = -torch.mean(torch.log(prob_artist0) + torch.log(1.0 - prob_artist1))
            self._opt_d.zero_grad()
            d_loss.backward()
            self._opt_d.step()

            losses["discriminator"].append(d_loss.item())
            losses["generator"].append(g_loss.item())
            losses["real_score"].append(prob_artist0.mean().item())
        return losses


class _ConvGenerator(nn.Module):
    """From noise of (100, 1, 1) to images of (3, 32, 32), by nine transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        channels = (100, 768, 384, 192, 96, 48, 24, 12, 6, 3)
        shapes = ((3, 1), (3, 1), (3, 2), (2, 2), (3, 1), (3, 1), (3, 1), (3, 1), (3, 1))
        layers: list[nn.Module] = []
        for index, (kernel_size, stride) in enumerate(shapes):
            up = nn.ConvTranspose2d(channels[index], channels[index + 1], kernel_size, stride, 0, bias=False)
            last = index == len(shapes) - 1
            layers += [up, nn.BatchNorm2d(channels[index + 1]), nn.Sigmoid() if last else nn.ReLU()]
        self.main = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return images of noise."""
        images: Tensor = self.main(x)
        return images


class _ConvDiscriminator(nn.Module):
    """From images of (3, 32, 32) to a probability, by nine convolutions."""

    def __init__(self) -> None:
        super().__init__()
        channels = (3, 6, 12, 24, 48, 96, 192, 384, 768)
        shapes = ((3, 1), (4, 1), (3, 1), (4, 1), (3, 1), (4, 1), (3, 2), (4, 1))
        layers: list[nn.Module] = []
        for index, (kernel_size, stride) in enumerate(shapes):
            down = nn.Conv2d(channels[index], channels[index + 1], kernel_size, stride, 0, bias=index >= 4)
            layers += [down, nn.BatchNorm2d(channels[index + 1]), nn.LeakyReLU(0.2)]
        self.main = nn.Sequential(*layers, nn.Conv2d(768, 1, 5), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Return (B,) probabilities of images."""
        probabilities: Tensor = self.main(x)
        return probabilities.view(-1)


class MnistConv(_Program):
    """A tutorial's deep convolutional GAN with Adadelta, D trained in two steps of nine."""

    def __init__(self, spec: GanSpec, dtype: str, /) -> None:
        self._net_g, self._net_d = _ConvGenerator(), _ConvDiscriminator()
        super().__init__(spec, dtype, generator=self._net_g, discriminator=self._net_d)
        self._optimizer_d = torch.optim.Adadelta(self._net_d.parameters(), lr=0.001, rho=0.9, eps=1e-6)
        self._optimizer_g = torch.optim.Adadelta(self._net_g.parameters(), lr=0.001, rho=0.9, eps=1e-6)
        self.optimize(generator=self._optimizer_g, discriminator=self._optimizer_d)

    def train(self, arrays: Mapping[str, np.ndarray], /, *, first_step: int) -> dict[str, list[float]]:
        """As Program.train."""
        criterion = nn.BCELoss()
        losses: dict[str, list[float]] = {"discriminator": [], "generator": []}
        batches = zip(arrays["real"], arrays["latent_d"], arrays["latent_g"], strict=True)
        for i, batch in enumerate(batches, start=first_step):
            images, noise_d, noise_g = (torch.from_numpy(array) for array in batch)
            ones, zeros = torch.ones(len(images), dtype=self.dtype), torch.zeros(len(images), dtype=self.dtype)
            losses["discriminator"].append(float("nan"))
            if (i % 9) % 5 == 0:
                self._optimizer_d.zero_grad()
                loss_d_real = criterion(self._net_d(images), ones)
                loss_d_fake = criterion(self._net_d(self._net_g(noise_d).detach()), zeros)
                loss_d = loss_d_real + loss_d_fake
                loss_d.backward()
                self._optimizer_d.step()
                losses["discriminator"][-1] = loss_d.item()

            self._optimizer_g.zero_grad()
            loss_g = criterion(self._net_d(self._net_g(noise_g)), ones)
            loss_g.backward()
            self._optimizer_g.step()
            losses["generator"].append(loss_g.item())
        return losses


class MnistWganGp(_Program):
    """Erik Linder-Norén's PyTorch-GAN, wgan_gp: a critic of images, its penalty by pixel as published."""

    def __init__(self, spec: GanSpec, dtype: str, /) -> None:
        def block(in_feat: int, out_feat: int, *, normalize: bool = True) -> list[nn.Module]:
            normalized = [nn.BatchNorm1d(out_feat, 0.8)] if normalize else []
            return [nn.Linear(in_feat, out_feat), *normalized, nn.LeakyReLU(0.2, inplace=True)]

        self._generator = nn.Sequential(
            *block(100, 128, normalize=False),
            *block(128, 256),
            *block(256, 512),
            *block(512, 1024),
            nn.Linear(1024, 28 * 28),
            nn.Tanh(),
            nn.Unflatten(1, (1, 28, 28)),
        )
        self._discriminator = nn.Sequential(
            nn.Flatten(),
            nn.Linear(28 * 28, 512),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(512, 256),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Linear(256, 1),
        )
        super().__init__(spec, dtype, generator=self._generator, discriminator=self._discriminator)
        self._optimizer_g = torch.optim.Adam(self._generator.parameters(), lr=0.001, betas=(0.9, 0.999))
        self._optimizer_d = torch.optim.Adam(self._discriminator.parameters(), lr=0.004, betas=(0.9, 0.999))
        self.optimize(generator=self._optimizer_g, discriminator=self._optimizer_d)

    def _gradient_penalty(self, real_samples: Tensor, fake_samples: Tensor, alpha: Tensor) -> Tensor:
        interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
        d_interpolates = self._discriminator(interpolates)
        gradients = autograd.grad(
            outputs=d_interpolates,
            inputs=interpolates,
            grad_outputs=torch.ones_like(d_interpolates),
            create_graph=True,
            retain_graph=True,
            only_inputs=True,
        )[0]
        return ((gradients.norm(2, dim=1) - 1) ** 2).mean()

    def train(self, arrays: Mapping[str, np.ndarray], /, *, first_step: int) -> dict[str, list[float]]:
        """As Program.train."""
        del first_step
        losses: dict[str, list[float]] = {"discriminator": [], "generator": []}
        for batch in zip(arrays["real"], arrays["latent_d"], arrays["mix"], strict=True):
            real_imgs, z, alpha = (torch.from_numpy(array) for array in batch)
            self._optimizer_d.zero_grad()
            fake_imgs = self._generator(z)
            real_validity = self._discriminator(real_imgs)
            fake_validity = self._discriminator(fake_imgs)
            gradient_penalty = self._gradient_penalty(real_imgs.data, fake_imgs.data, alpha)
            d_loss = -torch.mean(real_validity) + torch.mean(fake_validity) + 10 * gradient_penalty
            d_loss.backward()
            self._optimizer_d.step()

            self._optimizer_g.zero_grad()
            fake_imgs = self._generator(z)
            g_loss = -torch.mean(self._discriminator(fake_imgs))
            g_loss.backward()
            self._optimizer_g.step()

            losses["discriminator"].append(d_loss.item())
            losses["generator"].append(g_loss.item())
        return losses
