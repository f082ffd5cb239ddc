"""The program published in MXNet: Gluon blocks, hybridized by nobody, autograd, and a Trainer for each network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import counter_name, network_parameters, slot_name

# As MXNet's operator holds them, so that what corrects the slots is made of the numbers that they were made by.
_BETA1, _BETA2 = float(np.float32(0.9)), float(np.float32(0.999))
_EPSILON = 1e-8


class Linear2d:
    """The GAN chapter of Dive into Deep Learning in its two-logit form.

    Three things are not the book's: β₁ and β₂ are rounded; ε is multiplied by the root that corrects v, so that it
    stands where the GAN has it, since as MXNet has it, beside a v that is not corrected, it would be another GAN; and
    the log-softmax has a temperature, which keeps it from oneDNN, whose error in float32 is 1e-6.
    """

    def __init__(self, spec: GanSpec, dtype: str, /) -> None:
        nn, self._spec, self._dtype = mx.gluon.nn, spec, dtype
        self._net_g, self._net_d = nn.Sequential(), nn.Sequential()
        self._net_g.add(nn.Dense(2, in_units=2))
        self._net_d.add(
            nn.Dense(5, in_units=2, activation="tanh"),
            nn.Dense(3, in_units=5, activation="tanh"),
            nn.Dense(2, in_units=3),
        )
        self._networks = {"generator": self._net_g, "discriminator": self._net_d}
        for network in self._networks.values():
            network.cast(dtype)
            network.initialize(mx.init.Normal(0.02))
        self._trainers: dict[str, Any] = {}

    def load(self, state: Mapping[str, np.ndarray], /) -> None:
        """As Program.load."""
        for name, rate in (("discriminator", 0.05), ("generator", 0.01)):
            parameters = self._networks[name].collect_params()
            trainer = mx.gluon.Trainer(parameters, "adam", {"learning_rate": rate, "beta1": _BETA1, "beta2": _BETA2})
            self._trainers[name] = trainer
            count = int(state[counter_name(name)])
            trainer._init_kvstore()
            trainer._optimizer.begin_num_update = trainer._optimizer.num_update = count
            updater = trainer._updaters[0]
            for own, parameter in self._parameters(name):
                parameter.set_data(mx.nd.array(state[own], dtype=self._dtype))
                index = trainer._param2idx[parameter.name]
                slots = (state[slot_name(name, own, slot)] for slot in ("m", "v"))
                updater.states[index] = tuple(mx.nd.array(slot, dtype=self._dtype) for slot in slots)
                updater.states_synced[index] = True

    def export(self) -> dict[str, np.ndarray]:
        """As Program.export."""
        found = {}
        for name, trainer in self._trainers.items():
            for own, parameter in self._parameters(name):
                found[own] = parameter.data().asnumpy()
                states = trainer._updaters[0].states[trainer._param2idx[parameter.name]]
                found |= {slot_name(name, own, s): array.asnumpy() for s, array in zip(("m", "v"), states, strict=True)}
        return found

    def _parameters(self, network: str) -> list[tuple[str, Any]]:
        """Return the parameters of a network with their canonical names."""
        names = [tensor.name for tensor in network_parameters(self._spec, network)]
        return list(zip(names, self._networks[network].collect_params().values(), strict=True))

    def train(self, arrays: Mapping[str, np.ndarray], /, *, first_step: int) -> dict[str, list[float]]:
        """As Program.train."""
        del first_step
        record, nd = mx.autograd.record, mx.nd
        trainer_d, trainer_g = self._trainers["discriminator"], self._trainers["generator"]
        losses: dict[str, list[float]] = {"discriminator": [], "generator": []}
        for points, noise in zip(arrays["real"], arrays["latent_d"], strict=True):
            data, z = nd.array(points, dtype=self._dtype), nd.array(noise, dtype=self._dtype)
            batch_size = len(points)
            real_label, fake_label = nd.ones(batch_size), nd.zeros(batch_size)
            with record():
                real_output = self._net_d(data)
                fake = self._net_g(z)
                fake_output = self._net_d(fake.detach())
                loss_d = self._loss(real_output, real_label) + self._loss(fake_output, fake_label)
                loss_d.backward()
            self._step(trainer_d, batch_size)

            with record():
                fake = self._net_g(z)
                loss_g = self._loss(self._net_d(fake), real_label)
                loss_g.backward()
            self._step(trainer_g, batch_size)

            losses["discriminator"].append(nd.mean(loss_d).asscalar())
            losses["generator"].append(nd.mean(loss_g).asscalar())
        return losses

    def _loss(self, scores: Any, labels: Any) -> Any:
        """Return the cross-entropy of each sample, as gluon.loss.SoftmaxCrossEntropyLoss does."""
        return -mx.nd.pick(mx.nd.log_softmax(scores, temperature=1.0), labels)

    def _step(self, trainer: Any, batch_size: int) -> None:
        optimizer = trainer._optimizer
        optimizer.epsilon = _EPSILON * math.sqrt(1.0 - _BETA2 ** (optimizer.num_update + 1))
        trainer.step(batch_size)
