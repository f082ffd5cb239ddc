"""Keeps what a step computes, under the names of interface.ProbeKey, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.backends.numpy.network import FlatTensors, Network, Observer
from gan_rosetta.shared.interface import ProbeKey
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import counter_name, state_schema


class Recorder:
    """Collects copies of a step's numbers. tensors: the trainer's live parameters, buffers and slots by name."""

    def __init__(self, spec: GanSpec, tensors: Mapping[str, Array]) -> None:
        self.values: dict[ProbeKey, NDArray[Any]] = {}
        self._spec = spec
        self._tensors = tensors

    def observer(self, phase: str, stream: str, network: Network, /) -> Observer:
        """Return what keeps the layers' outputs in one forward pass of a network."""

        def observe(layer: str, output: Array) -> None:
            self.keep(phase, "output", stream, f"{network.name}.{layer}", output)

        return observe

    def keep(self, phase: str, quantity: str, stream: str, name: str, value: Any, /) -> None:
        """Keep a copy of one array or number."""
        self.values[ProbeKey(phase, quantity, stream, name)] = np.array(value, order="C")

    def gradients(self, phase: str, quantity: str, network: Network, tensors: FlatTensors, /) -> None:
        """Keep the gradients of a network's parameters."""
        for name, gradient in network.by_name(tensors).items():
            self.keep(phase, quantity, "", name, gradient)

    def update(self, phase: str, network: Network, counter: int, /) -> None:
        """Keep what the phase's update left: parameters, slots, the counter, and the buffers of both networks."""
        schema = state_schema(self._spec).values()
        prefix = f"optimizer.{phase}."
        for tensor in schema:
            if tensor.role == "parameter" and tensor.network == network.name:
                self.keep(phase, "parameter", "", tensor.name, self._tensors[tensor.name])
        for tensor in schema:
            if tensor.role == "slot" and tensor.name.startswith(prefix):
                self.keep(phase, "slot", "", tensor.name, self._tensors[tensor.name])
        self.keep(phase, "counter", "", counter_name(phase), np.int64(counter))
        for tensor in schema:
            if tensor.role == "buffer":
                self.keep(phase, "buffer", "", tensor.name, self._tensors[tensor.name])


def observe(recorder: Recorder | None, phase: str, stream: str, network: Network, /) -> Observer | None:
    """Return what keeps the outputs of a forward pass, or None where nothing is recorded."""
    return None if recorder is None else recorder.observer(phase, stream, network)
