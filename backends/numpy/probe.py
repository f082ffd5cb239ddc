"""Keeps what a step computes, copied as it happens."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.backends.numpy.network import FlatTensors, Network, Observer
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import recorder


class Recorder(recorder.Recorder):
    """Collects copies of a step's numbers. tensors: the trainer's live parameters, buffers and slots by name."""

    def __init__(self, spec: GanSpec, tensors: Mapping[str, Array]) -> None:
        super().__init__(spec, to_canonical=lambda _key, value: np.array(value, order="C"))
        self._tensors = tensors

    def observer(self, phase: str, stream: str, network: Network, /) -> Observer:
        """Return what keeps the layers' outputs in one forward pass of a network."""
        return lambda layer, output: self.value(phase, "output", stream, f"{network.name}.{layer}", output)

    def gradients(self, phase: str, quantity: str, found: Mapping[Network, FlatTensors], /) -> None:
        """Keep the gradients of the parameters of the networks that a phase trains."""
        by_name = {name: each for network, own in found.items() for name, each in network.by_name(own).items()}
        self.keep_gradients(phase, quantity, by_name)

    def updated(self, phase: str, counters: Mapping[str, int], /) -> None:
        """Keep what the phase's update left."""
        self.keep_state(phase, self._tensors, counters=counters)


def observe(recorder: Recorder | None, phase: str, stream: str, network: Network, /) -> Observer | None:
    """Return what keeps the outputs of a forward pass, or None where nothing is recorded."""
    return None if recorder is None else recorder.observer(phase, stream, network)
