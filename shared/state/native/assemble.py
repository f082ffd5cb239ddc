"""A state of ours from what checkpoints of other frameworks hold, and where each tensor of it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.spec import GanSpec, GradientDescent
from gan_rosetta.shared.spec.optimizers import counts_updates
from gan_rosetta.shared.state.check import complete_state
from gan_rosetta.shared.state.found_names import FoundTensor, network_of, split_name
from gan_rosetta.shared.state.initial import State
from gan_rosetta.shared.state.layouts import (
    keras_rows,
    keras_sign,
    optax_sign,
    optax_slots,
    tensor_from_layout,
    tensor_to_layout,
    torch_slots,
)
from gan_rosetta.shared.state.naming import Match, match_networks
from gan_rosetta.shared.state.native.checkpoint import Checkpoint, FoundOptimizer, optimizer_of
from gan_rosetta.shared.state.native.mapping import NameMapping
from gan_rosetta.shared.state.schema import (
    BALANCE,
    OptimizerName,
    counter_name,
    network_parameters,
    optimizers,
    slot_name,
    state_schema,
)

_NUM_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """A state, without what no file holds. names: where each tensor comes from, in the words of its file."""

    state: State
    names: Mapping[str, str]


def assemble(spec: GanSpec, files: Mapping[str, Checkpoint], mapping: NameMapping, /) -> Assembled:
    """Return the state that checkpoints hold together, which must be a whole one; see gather."""
    found = gather(spec, files, mapping)
    complete_state(found.state, spec, must_be_finite=False)
    return found


def gather(spec: GanSpec, files: Mapping[str, Checkpoint], mapping: NameMapping, /) -> Assembled:
    """Return what checkpoints hold of a state.

    files: by the network that each is of, "generator" and "discriminator", or one under "" that has both. Raises
    StateError for what is left over, misshapen, or cannot be told apart.
    """
    state: dict[str, np.ndarray] = {}
    names: dict[str, str] = {}
    for owner, checkpoint in files.items():
        is_ours = owner == "" and not checkpoint.optimizers and not set(checkpoint.tensors) - set(state_schema(spec))
        if is_ours:
            found = Assembled(state=dict(checkpoint.tensors), names={name: name for name in checkpoint.tensors})
        else:
            kept = {name: array for name, array in checkpoint.tensors.items() if _is_balance(spec, owner, name)}
            others = {name: array for name, array in checkpoint.tensors.items() if name not in kept}
            found = _from_strangers(spec, owner, replace(checkpoint, tensors=others), mapping)
            state |= kept
            names |= {name: name for name in kept}
        state |= found.state
        names |= found.names
    ordered = [name for name in state_schema(spec) if name in state]
    return Assembled(
        state={name: state[name] for name in ordered}, names={name: names[name] for name in ordered if name in names}
    )


def _is_balance(spec: GanSpec, owner: str, name: str) -> bool:
    return owner == "" and name == BALANCE and spec.training.balanced is not None


def _from_strangers(spec: GanSpec, owner: str, checkpoint: Checkpoint, mapping: NameMapping) -> Assembled:
    found = {owner: checkpoint.found()} if owner else _by_network(spec, checkpoint, mapping)
    match = match_networks(
        spec,
        found,
        layout=mapping.layout or checkpoint.layout,
        is_ordered=checkpoint.is_ordered,
        mapping={name: text for name, text in mapping.tensors.items() if name.partition(".")[0] in found},
    )
    names = dict(match.names)
    state = {
        canonical: tensor_from_layout(
            spec, canonical, checkpoint.tensors[name], layout=match.layout, flattens_last=mapping.flattens_last
        )
        for canonical, name in names.items()
    }
    for optimizer, file_name in _optimizers_of(spec, owner, checkpoint, mapping).items():
        reader = _SlotReader(spec, optimizer, checkpoint, match, mapping)
        slots = reader.read(checkpoint.optimizers[file_name])
        state |= slots
        names |= dict.fromkeys(slots, file_name)
    return Assembled(state=state, names=names)


def _by_network(spec: GanSpec, checkpoint: Checkpoint, mapping: NameMapping) -> dict[str, list[FoundTensor]]:
    """Return a file's tensors by the network that they are of; raises StateError where that cannot be told."""
    split: dict[str, list[FoundTensor]] = {"generator": [], "discriminator": []}
    nobody: list[FoundTensor] = []
    named = {name: network.partition(".")[0] for network, name in mapping.tensors.items()}
    for tensor in checkpoint.found():
        layer = ".".join(split_name(tensor.name)[:-1])
        network = named.get(tensor.name) or named.get(layer) or _mapped_network(tensor.name, mapping)
        network = network or network_of(tensor.name)
        (split[network] if network is not None else nobody).append(tensor)
    if nobody and not any(split.values()):
        return _by_fit(spec, checkpoint, nobody)
    if nobody or not all(split.values()):
        shown = ", ".join(repr(tensor.name) for tensor in nobody[:_NUM_SHOWN])
        which = f"{shown} of neither network" if nobody else "tensors of one network alone"
        raise StateError(
            f"the file has {which}; give --generator FILE and --discriminator FILE, or say in --mapping FILE.toml how "
            'each network\'s names begin: generator = "…", discriminator = "…"'
        )
    return split


def _mapped_network(name: str, mapping: NameMapping) -> str | None:
    steps = split_name(name)
    for network, beginning in mapping.networks.items():
        start = split_name(beginning)
        if steps[: len(start)] == start:
            return network
    return None


def _by_fit(spec: GanSpec, checkpoint: Checkpoint, tensors: Sequence[FoundTensor]) -> dict[str, list[FoundTensor]]:
    """Return tensors by network where their names begin in two ways and fit the networks in one way alone."""
    depth = 0
    groups: dict[str, list[FoundTensor]] = {}
    while len(groups) < 2 and depth < max(len(split_name(tensor.name)) for tensor in tensors):
        groups = {}
        for tensor in tensors:
            groups.setdefault("/".join(split_name(tensor.name)[: depth + 1]), []).append(tensor)
        depth += 1
    fitting = []
    if len(groups) == 2:
        first, second = groups.values()
        for generator, discriminator in ((first, second), (second, first)):
            candidate = {"generator": generator, "discriminator": discriminator}
            try:
                match_networks(spec, candidate, layout=checkpoint.layout, is_ordered=checkpoint.is_ordered)
            except StateError:
                continue
            fitting.append(candidate)
    if len(fitting) != 1:
        shown = ", ".join(repr(name) for name in list(groups)[: 2 * _NUM_SHOWN])
        raise StateError(
            f"nothing tells the generator's tensors from the discriminator's; their names begin with {shown}; give "
            "--generator FILE and --discriminator FILE, or say in --mapping FILE.toml how each network's names begin: "
            'generator = "…", discriminator = "…"'
        )
    return fitting[0]


def _optimizers_of(spec: GanSpec, owner: str, checkpoint: Checkpoint, mapping: NameMapping) -> dict[OptimizerName, str]:
    """Return which of a file's optimizers is which of ours; raises StateError where that cannot be told."""
    found: dict[OptimizerName, str] = {}
    ours = optimizers(spec)
    for file_name in checkpoint.optimizers:
        mapped = [name for name in ours if mapping.optimizers.get(name) == file_name]
        name = mapped[0] if mapped else optimizer_of(file_name)
        if name is None and owner:
            name = next(each for each in ours if each == owner)
        if name is None or name in found or name not in ours or (owner and ours[name][0] != owner):
            raise StateError(
                f"the file has an optimizer {file_name!r}, and nothing tells which network it is of; say so in "
                f'--mapping FILE.toml: "optimizer.generator" = "{file_name}"'
            )
        found[name] = file_name
    return found


class _SlotReader:
    """Reads one optimizer's slots and counter."""

    def __init__(
        self, spec: GanSpec, name: OptimizerName, checkpoint: Checkpoint, match: Match, mapping: NameMapping, /
    ) -> None:
        self._spec = spec
        self._name = name
        network, self._optimizer = optimizers(spec)[name]
        self._parameters = [parameter.name for parameter in network_parameters(spec, network)]
        own = {match.names[name]: name for name in self._parameters}
        self._in_file_order = [own[each] for each in checkpoint.tensors if each in own]
        self._file_names = own
        self._layout = match.layout
        self._mapping = mapping
        self._count = checkpoint.counters.get(name)

    def read(self, found: FoundOptimizer, /) -> State:
        """Return the slots and the counter by canonical names; nothing where the optimizer has not been used yet."""
        slots = self._from_rows(found.in_rows) if found.in_rows else self._from_names(found)
        count = self._count if found.counter is None else found.counter
        if count is None and slots and isinstance(self._optimizer, GradientDescent):
            count = self._count_of_descent()
        if count is None and slots:
            raise StateError(f"the optimizer of the {self._name} has slots and no count of its steps; write it again")
        if count is not None:
            slots[counter_name(self._name)] = np.array(count, np.int64)
        return slots

    def _count_of_descent(self) -> int | None:
        """Return a count for torch's SGD, which has none: 0 where nothing asks for it, else None."""
        return None if counts_updates(self._optimizer) else 0

    def _from_rows(self, rows: Sequence[np.ndarray]) -> State:
        kinds = self._optimizer.slots
        if len(rows) != len(kinds) * len(self._parameters):
            raise StateError(
                f"the optimizer of the {self._name} has {len(rows)} slots; {type(self._optimizer).__name__} keeps "
                f"{len(kinds)} for each of {len(self._parameters)} parameters; give the GAN that this is of"
            )
        pairs = zip(keras_rows(self._optimizer, self._parameters), rows, strict=True)
        signed = [(name, slot, keras_sign(self._optimizer, slot) * array) for (name, slot), array in pairs]
        return dict(self._slot(*each) for each in signed)

    def _from_names(self, found: FoundOptimizer) -> State:
        is_optax = found.framework == "optax"
        native = optax_slots(self._optimizer) if is_optax else torch_slots(self._optimizer)
        ours = {own: slot for slot, own in native.items()}
        slots: State = {}
        for key, arrays in found.named.items():
            name = self._parameter(key)
            if arrays and set(arrays) != set(ours):
                raise StateError(
                    f"the optimizer of the {self._name} keeps {', '.join(arrays)}; {type(self._optimizer).__name__} "
                    f"keeps {', '.join(ours) or 'nothing'}; give the GAN that this is of"
                )
            for own, array in arrays.items():
                sign = optax_sign(self._optimizer, ours[own]) if is_optax else 1
                slots |= dict([self._slot(name, ours[own], sign * array)])
        return slots

    def _parameter(self, key: int | str) -> str:
        if isinstance(key, int):
            if 0 <= key < len(self._in_file_order):
                return self._in_file_order[key]
        else:
            fitting = [name for own, name in self._file_names.items() if f"/{own}".endswith(f"/{key}")]
            if len(fitting) == 1:
                return fitting[0]
        raise StateError(f"the optimizer of the {self._name} has slots of {key!r}, which is none of its parameters")

    def _slot(self, parameter: str, slot: str, array: np.ndarray) -> tuple[str, np.ndarray]:
        name = slot_name(self._name, parameter, slot)
        shape = state_schema(self._spec)[name].shape
        wanted = tensor_to_layout(self._spec, name, np.broadcast_to(np.empty(()), shape), layout=self._layout).shape
        if array.shape != wanted:
            raise StateError(f"the file has shape {array.shape} for {name}; expected {wanted}")
        flattens = self._mapping.flattens_last
        return name, tensor_from_layout(self._spec, name, array, layout=self._layout, flattens_last=flattens)
