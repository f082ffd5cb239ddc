"""A program's networks: the initial state put into them, by names, kinds, shapes and order, and proved by a pass."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import ProgramFramework, ProgramTensor
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State
from gan_rosetta.shared.state.found_names import FoundTensor
from gan_rosetta.shared.state.layouts import (
    output_orders,
    samples_to_canonical,
    tensor_from_layout,
    tensor_to_layout,
)
from gan_rosetta.shared.state.naming import Match, match_networks
from gan_rosetta.shared.state.native.mapping import parse_mapping
from gan_rosetta.shared.workers.registry import load_program_module

# The backends whose program.py knows networks, by the module that a process has imported where it has any.
_MODULES = {"torch": "torch", "tensorflow": "tensorflow", "mxnet": "mxnet", "jax": "jax", "numpy": "numpy"}
_FLAT_RANK = 2


@dataclass(frozen=True, kw_only=True)
class Found:
    """A network of a program: its framework, its tensors by name, and which canonical tensor each of them is.

    flattens_last: whether a program with channels last flattens images so.
    """

    network: str
    object: Any
    framework: ProgramFramework
    tensors: Mapping[str, ProgramTensor]
    match: Match
    spec: GanSpec
    flattens_last: bool

    @property
    def names(self) -> dict[str, str]:
        """The network's canonical names, each with the program's."""
        return {own: name for own, name in self.match.names.items() if own.startswith(f"{self.network}.")}

    @property
    def layers(self) -> dict[str, str]:
        """The names of the program's tensors, each with that of its layer in the spec."""
        return {name: own.split(".", 1)[1].rpartition(".")[0] for own, name in self.names.items()}

    def read(self) -> dict[str, np.ndarray]:
        """Return the parameters and buffers, by canonical name, in the canonical layout."""
        return self.canonical({name: self.tensors[name].read() for name in self.names.values()})

    def canonical(self, arrays: Mapping[str, np.ndarray], /) -> dict[str, np.ndarray]:
        """Return arrays by the names of the program's tensors, and of their form, by canonical name."""
        return {
            own: tensor_from_layout(
                self.spec, own, arrays[name], layout=self.match.layout, flattens_last=self.flattens_last
            )
            for own, name in self.names.items()
            if name in arrays
        }

    @property
    def keeps_its_state(self) -> bool:
        """Whether the network has its parameters as they are now, or is a value that the program tells anew."""
        return self.framework.keeps_its_state(self.object)

    def samples(self, array: np.ndarray, /) -> np.ndarray:
        """Return a batch of the program's, (batch, ...), with images in the canonical layout."""
        return array if self.match.layout == "canonical" else samples_to_canonical(array)

    def output(self, layer: str, array: np.ndarray, /) -> np.ndarray:
        """Return what a layer gave, by its name in the spec, (batch, ...), in the canonical layout."""
        return self.flat_output(layer, self.samples(array))

    def flat_output(self, layer: str, array: np.ndarray, /) -> np.ndarray:
        """Return what a layer gave with its features in the canonical order, where they are flat; images as they are.

        Features that become an image, or come of one, stand in the order in which the program has its axes.
        """
        order = output_orders(self.spec.networks()[self.network]).get(layer)
        if self.match.layout == "canonical" or not self.flattens_last or order is None or array.ndim != _FLAT_RANK:
            return array
        return np.take(array, np.argsort(order), axis=1) if array.shape[1] == len(order) else array


def find_framework(network: Any, /, *, what: str) -> ProgramFramework:
    """Return the framework that an object is a network of, of those that are imported; raises UsageError."""
    for name, module in _MODULES.items():
        if module in sys.modules:
            framework = load_program_module(BACKENDS[name])
            if framework.is_network(network):
                return framework
    found = type(network).__name__
    raise UsageError(
        f"{what} is a {found}; expected a torch Module, a Keras model or tf.Module, a Gluon Block, or arrays of JAX or "
        "NumPy in dictionaries, lists and tuples"
    )


def find_networks(spec: GanSpec, networks: Mapping[str, Any], mapping: Mapping[str, str], /) -> dict[str, Found]:
    """Return networks with their tensors mapped onto canonical names; raises UsageError, StateError where unsure."""
    frameworks = {name: find_framework(network, what=name) for name, network in networks.items()}
    tensors = {name: frameworks[name].tensors(network) for name, network in networks.items()}
    told = parse_mapping(mapping)
    matches: dict[str, Match] = {}
    # Where nothing but names and shapes tells the layout, what tells it for one network tells it for the other.
    open_layout = [name for name in networks if frameworks[name].layout(networks[name]) is None]
    for names in [open_layout, *([name] for name in networks if name not in open_layout)]:
        if not names:
            continue
        layout: Any = frameworks[names[0]].layout(networks[names[0]])
        match = match_networks(
            spec,
            {
                name: [FoundTensor(name=each.name, shape=each.shape, kind=each.kind) for each in tensors[name]]
                for name in names
            },
            layout=told.layout or layout,
            is_ordered=all(frameworks[name].is_ordered(networks[name]) for name in names),
            mapping={own: theirs for own, theirs in told.tensors.items() if own.partition(".")[0] in names},
        )
        matches |= dict.fromkeys(names, match)
    return {
        name: Found(
            network=name,
            object=network,
            framework=frameworks[name],
            tensors={each.name: each for each in tensors[name]},
            match=matches[name],
            spec=spec,
            flattens_last=told.flattens_last,
        )
        for name, network in networks.items()
    }


def load_state(found: Found, state: State, /, *, dtype: str) -> None:
    """Write a state's tensors into a network; raises UsageError where that computes in another type."""
    for own, name in found.names.items():
        tensor = found.tensors[name]
        kept = tensor.read().dtype
        if kept != np.dtype(dtype):
            raise UsageError(
                f"{name} of the {found.network} is of {kept}, and the case of {dtype}: build the network in {dtype}, "
                f"or make the case with dtype='{kept}'"
            )
        array = tensor_to_layout(
            found.spec, own, state[own], layout=found.match.layout, flattens_last=found.flattens_last
        )
        tensor.write(array.astype(dtype))
