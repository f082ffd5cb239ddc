"""The one order of a probe: what a step computes, and after each update what it left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gan_rosetta.shared.interface import ProbeKey
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.schema import (
    BALANCE,
    averaged,
    counter_name,
    network_parameters,
    optimizers_of,
    state_schema,
)


class Recorder:
    """Keeps what a step computes, by ProbeKey, in order of execution; a backend says only how to bring it here.

    to_canonical: returns a copy of what a framework computed, in the canonical layout.
    """

    looks = True

    def __init__(self, spec: GanSpec, /, *, to_canonical: Callable[[ProbeKey, Any], Any]) -> None:
        self.found: dict[ProbeKey, Any] = {}
        self._spec = spec
        self._to_canonical = to_canonical

    def value(self, phase: str, quantity: str, stream: str, name: str, value: Any, /) -> None:
        """Keep a layer's output, a loss, or the gradient penalty's input gradient."""
        key = ProbeKey(phase, quantity, stream, name)
        self.found[key] = self._to_canonical(key, value)

    def keep_gradients(self, phase: str, quantity: str, gradients: Mapping[str, Any], /) -> None:
        """Keep the gradients of what a phase trains, by the parameters' canonical names."""
        for name in self._parameters(phase):
            self.value(phase, quantity, "", name, gradients[name])

    def keep_state(self, phase: str, tensors: Mapping[str, Any], /, *, counters: Mapping[str, Any]) -> None:
        """Keep what a phase's update left: parameters, slots and counter, buffers of both networks, averages, balance.

        tensors: those of the state, by canonical name. counters: by optimizer, integers; of the phase's at
        least.
        """
        schema = state_schema(self._spec).values()
        for name in self._parameters(phase):
            self.value(phase, "parameter", "", name, tensors[name])
        for tensor in schema:
            if tensor.role == "slot" and tensor.name.startswith(f"optimizer.{phase}."):
                self.value(phase, "slot", "", tensor.name, tensors[tensor.name])
        for optimizer in optimizers_of(self._spec, phase):
            counter = counters[optimizer]
            is_known = isinstance(counter, int)  # While JAX traces, it is not.
            key = ProbeKey(phase, "counter", "", counter_name(optimizer))
            self.found[key] = np.array(counter, dtype=np.int64) if is_known else counter
        for tensor in schema:
            if tensor.role == "buffer":
                self.value(phase, "buffer", "", tensor.name, tensors[tensor.name])
        if phase == "discriminator" and self._spec.training.balanced is not None:
            self.value(phase, "balance", "", BALANCE, tensors[BALANCE])
        for name in averaged(self._spec) if phase == "generator" else ():
            self.value(phase, "average", "", name, tensors[name])

    def _parameters(self, phase: str) -> list[str]:
        networks = optimizers_of(self._spec, phase).values()
        return [tensor.name for network in networks for tensor in network_parameters(self._spec, network)]
