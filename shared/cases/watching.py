"""Watches a program: keeps what its networks, losses and optimizers did in a step, for the walk to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan_rosetta.shared.cases.networks import Found
from gan_rosetta.shared.cases.passes import Pass, assign, layer_outputs, places_of
from gan_rosetta.shared.cases.telling import Sights, arrays_of, slots_of
from gan_rosetta.shared.cases.walking import Walk
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import ProbeKey, ProgramSlots
from gan_rosetta.shared.state import counter_name, optimizers, slot_name
from gan_rosetta.shared.state.layouts import momentum_factor


@dataclass(kw_only=True)
class _Update:
    """What an optimizer was given, and what it left. buffers: of both networks, right after it."""

    gradients: dict[str, np.ndarray] = field(default_factory=dict)
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    buffers: dict[str, np.ndarray] = field(default_factory=dict)
    slots: ProgramSlots | None = None


class Watcher:
    """Sees a program's networks, by "generator" and "discriminator", and its optimizers, step by step.

    optimizers: by the names of the networks, "pretraining" for one that fits D alone, where that is another.

    told: of passes that come in another number or order than the reference's, in words, of the first such step.
    """

    def __init__(self, networks: Mapping[str, Found], optimizers: Mapping[str, Any], walk: Walk, /) -> None:
        self._networks, self._optimizers, self._walk = dict(networks), dict(optimizers), walk
        self._passes: list[Pass] = []
        self._updates: dict[str, _Update] = {}
        self._is_on = False
        self._real: np.ndarray | None = None
        self.told: list[str] = []
        self.num_passes = 0
        self._sights = Sights(walk.spec)
        for name, found in networks.items():
            if found.keeps_its_state:
                found.framework.watch_network(found.object, _Observer(self, name))
        for name, optimizer in optimizers.items():
            self._watch_optimizer(name, optimizer)

    def begin(self, visit: Visit, /, *, real: np.ndarray | None) -> None:
        """A step begins. real: its samples, None in pretraining."""
        self._passes, self._updates, self._real = [], {}, None if real is None else real.copy()
        self._sights.begin()
        if visit.step == 0 and self._walk.num_steps == 0:
            self._walk.start(
                visit, {name: array for each in self._networks.values() for name, array in each.read().items()}
            )
        self._is_on = not self._walk.is_done

    def end(self, visit: Visit, losses: Mapping[str, float], /) -> None:
        """The step has ended, with these losses: compare all that was seen."""
        if not self._is_on:
            return
        self._is_on = False
        expected = self._walk.expect(visit)
        keys = list(expected)
        seen = {ProbeKey(name, "loss", "", "loss"): np.array(loss) for name, loss in losses.items()}
        sights, told = self._sights.place(visit.phase, expected)
        seen |= sights | self._layers(visit, keys) | self._state(keys)
        if told and not self.told:
            self.told = [f"{visit.label}: {line}" for line in told]
        self._walk.step(visit, {key: seen[key] for key in keys if key in seen})

    def notes(self) -> list[str]:
        """Return what should be known of what was seen: passes in another number or order, or none at all."""
        hooked = any(found.keeps_its_state for found in self._networks.values())
        if self._walk.num_steps and hooked and not self.num_passes and not self._walk.counts.get("output"):
            return [
                "no forward pass of the watched networks was seen, as in a compiled step; their outputs were not judged"
            ]
        return self.told

    def see(self, name: str, value: Any, /, *, stream: str) -> None:
        """A program tells what a layer gave; raises UsageError for what is none of the GAN's."""
        if self._is_on:
            self._sights.keep(name, value, stream=stream, networks=self._networks)

    def see_update(self, network: str, /, *, parameters: Any, gradients: Any, optimizer: Any) -> None:
        """A program tells what an update of a network was given and left; raises UsageError where hooks see it."""
        found = self._networks.get(network)
        if found is None:
            watched = ", ".join(self._networks) or "none"
            raise UsageError(f"step.see_update got {network!r}, which is not watched; watched are: {watched}")
        if found.keeps_its_state:
            raise UsageError(f"step.see_update is for parameters that are values; the {network}'s are seen without it")
        if not self._is_on:
            return
        update = _Update(gradients=self._told(found, gradients, what="gradients"))
        update.parameters = update.buffers = self._told(found, parameters, what="parameters")
        update.slots = None if optimizer is None else slots_of(optimizer, what=f"the {network}'s optimizer")
        self._updates[network] = update

    def started(self, network: str, inputs: np.ndarray, /) -> None:
        """A pass of a network begins."""
        if self._is_on:
            self._passes.append(Pass(network=network, inputs=self._networks[network].samples(inputs)))

    def gave(self, network: str, tensor: str, kind: str, value: np.ndarray, /) -> None:
        """A layer of the network gave an output: of its pass, where that is under way, and else of none."""
        if self._is_under_way(network):
            self._passes[-1].outputs.append((tensor, kind, value))

    def ended(self, network: str, output: np.ndarray | None, /) -> None:
        """A pass has ended."""
        if self._is_under_way(network):
            self._passes[-1].output = output
            self._passes[-1].has_ended = True

    def _is_under_way(self, network: str) -> bool:
        last = self._passes[-1] if self._passes else None
        return self._is_on and last is not None and last.network == network and not last.has_ended

    def _told(self, found: Found, tree: Any, /, *, what: str) -> dict[str, np.ndarray]:
        """Return arrays that a program told, by canonical name; raises UsageError where they are not the network's."""
        if tree is None:
            return {}
        arrays = arrays_of(tree, what=f"the {found.network}'s {what}")
        other = next((name for name in arrays if name not in found.tensors), None)
        if other is not None or not arrays:
            raise UsageError(
                f"step.see_update got {what} with {other or 'no arrays'}; expected those of the {found.network} that "
                f"case.watch got: {', '.join(found.tensors)}"
            )
        return found.canonical(arrays)

    def _watch_optimizer(self, optimizer_name: str, optimizer: Any) -> None:
        name = "discriminator" if optimizer_name == "pretraining" else optimizer_name
        found = self._networks[name]
        if not found.keeps_its_state:
            raise UsageError(
                f"case.watch got {optimizer_name}_optimizer of a {name} that is arrays; tell its state after each "
                "update, with step.see_update(…, optimizer=…)"
            )

        def before() -> None:
            if self._is_on:
                gradients = found.canonical(found.framework.gradients(found.object, optimizer))
                self._updates[name] = _Update(gradients=gradients)
                for each in self._passes:
                    each.phase = each.phase or name

        def after() -> None:
            if self._is_on and name in self._updates:
                update = self._updates[name]
                state = self._now()
                update.parameters = {own: array for own, array in state.items() if own.startswith(f"{name}.")}
                update.buffers = state
                update.slots = found.framework.slots(found.object, optimizer)

        found.framework.watch_optimizer(optimizer, before=before, after=after)

    def _layers(self, visit: Visit, keys: list[ProbeKey]) -> dict[ProbeKey, np.ndarray]:
        """Return the outputs of the layers that were seen, by the reference's keys, and note what passes were odd."""
        if visit.phase == "pretraining":
            for each in self._passes:
                each.phase = "pretraining"
        elif self._optimizers:
            # A pass after the last update is of no update: of pictures, mostly.
            watched = {name for name in self._optimizers if name != "pretraining"}
            self._passes = [each for each in self._passes if each.phase or watched != set(self._networks)]
        self.num_passes += len(self._passes)
        places = [place for place in places_of(keys) if place.network in self._networks]
        pairs, told = assign(self._passes, places, self._walk.spec, real=self._real)
        if told and not self.told and self.num_passes:
            self.told = [f"{visit.label}: {line}" for line in told]
        seen: dict[ProbeKey, np.ndarray] = {}
        for each, place in pairs:
            seen |= dict(layer_outputs(each, place, self._networks[each.network]))
        return seen

    def _now(self) -> dict[str, np.ndarray]:
        """Return the parameters and buffers of the networks that keep theirs, by canonical name."""
        kept = [found for found in self._networks.values() if found.keeps_its_state]
        return {own: array for found in kept for own, array in found.read().items()}

    def _state(self, keys: list[ProbeKey]) -> dict[ProbeKey, np.ndarray]:
        """Return gradients, and what each update left; where no update was seen, what the step left."""
        now = self._now()
        last = keys[-1].phase
        seen: dict[ProbeKey, np.ndarray] = {}
        for phase in dict.fromkeys(key.phase for key in keys):
            network = "discriminator" if phase == "pretraining" else phase
            update = self._updates.get(network)
            found: dict[tuple[str, str], np.ndarray] = {}
            if update is None:
                found |= {("parameter", own): array for own, array in now.items()}
                found |= {("buffer", own): array for own, array in now.items()} if phase == last else {}
                found |= self._slots(phase, network, self._slots_now(phase, network))
            else:
                found |= {("gradient", own): array for own, array in update.gradients.items()}
                left = now if self._is_clipped_after(network) else update.parameters
                found |= {("parameter", own): array for own, array in left.items()}
                found |= {("buffer", own): array for own, array in update.buffers.items()}
                found |= self._slots(phase, network, update.slots)
            seen |= {
                key: found[key.quantity, key.name]
                for key in keys
                if key.phase == phase and (key.quantity, key.name) in found
            }
        return seen

    def _is_clipped_after(self, network: str) -> bool:
        """Whether what an optimizer leaves is yet to be clipped, so that what counts is what the step left of it."""
        clips = network == "discriminator" and self._walk.spec.training.weight_clipping is not None
        return clips and self._networks[network].keeps_its_state

    def _slots_now(self, phase: str, network: str) -> ProgramSlots | None:
        """Return what a watched optimizer has, of which no update was seen, as in a compiled step."""
        optimizer = self._optimizers.get(phase, self._optimizers.get(network))
        found = self._networks.get(network)
        return None if optimizer is None or found is None else found.framework.slots(found.object, optimizer)

    def _slots(self, phase: str, network: str, slots: ProgramSlots | None) -> dict[tuple[str, str], np.ndarray]:
        if slots is None:
            return {}
        found: dict[tuple[str, str], np.ndarray] = {}
        (own_optimizer,) = (each for name, (_, each) in optimizers(self._walk.spec).items() if name == phase)
        for slot in dict.fromkeys(slot for _, slot in slots.slots):
            own = {name: array for (name, other), array in slots.slots.items() if other == slot}
            for parameter, array in self._networks[network].canonical(own).items():
                factor = momentum_factor(own_optimizer, kept=slots.momentum) if slot == "momentum" else 1.0
                found["slot", slot_name(phase, parameter, slot)] = array if factor == 1.0 else array / factor
        if slots.counter is not None:
            found["counter", counter_name(phase)] = np.array(slots.counter)
        return found


class _Observer:
    """Tells a watcher of the passes of one of its networks."""

    def __init__(self, watcher: Watcher, network: str) -> None:
        self._watcher, self._network = watcher, network

    def begin(self, inputs: np.ndarray, /) -> None:
        self._watcher.started(self._network, inputs)

    def output(self, tensor: str, kind: str, value: np.ndarray, /) -> None:
        self._watcher.gave(self._network, tensor, kind, value)

    def end(self, output: np.ndarray | None, /) -> None:
        self._watcher.ended(self._network, output)
