"""A person's own networks and optimizers as a spec, proved by a pass of each; what is around them is another GAN's."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from gan_rosetta.shared.cases.networks import Found, find_framework, find_networks
from gan_rosetta.shared.cases.proving import Proof
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.errors import SpecError, UnsupportedLayer, UsageError
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.shared.runs.request import read_gan
from gan_rosetta.shared.spec import Dropout, GanSpec, Network, NormalLatent
from gan_rosetta.shared.spec.toml_file import write_spec
from gan_rosetta.shared.state import (
    State,
    averaged,
    counter_name,
    initial_state,
    network_parameters,
    slot_name,
)
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.state.layouts import momentum_factor
from gan_rosetta.shared.storage import opening

_NETWORKS = ("generator", "discriminator")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was read. spec: the GAN; state: its parameters and buffers as they were, and what its optimizers keep.

    num_samples: of the batch that both networks and the reference gave the same for. notes: what was left out, a
    sentence each.
    """

    spec: GanSpec
    state: State
    num_samples: int
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The finding in one sentence."""
        sizes = " and ".join(f"a {name} of {len(net.layers)} layers" for name, net in self.spec.networks().items())
        return f"{self.spec.name}: {sizes}, which give what the reference gives for {self.num_samples} samples"


def read(
    *,
    generator: Any,
    discriminator: Any,
    like: str | Path | GanSpec,
    generator_optimizer: Any = None,
    discriminator_optimizer: Any = None,
    generator_average: Any = None,
    name: str = "read",
) -> Reading:
    """Read live networks, and their optimizers where given, into a spec; all else is that of the GAN that it is like.

    generator_average: a network as the generator is, with the average of its weights; begins at these where not given.

    Raises UsageError for what is no module of a framework's, UnsupportedLayer, with the module's path, for what a spec
    has no word for, or where a pass of what was read gives something else.
    """
    given = {"generator": generator, "discriminator": discriminator}
    readers = {what: _reader(network, what) for what, network in given.items()}
    spec, _ = read_gan(like)
    spec = _with_networks(spec, given, readers, name)
    moved_by = {"generator": generator_optimizer, "discriminator": discriminator_optimizer}
    for what, optimizer in moved_by.items():
        if optimizer is not None:
            own = readers[what].read_optimizer(optimizer, given[what], what=f"{what}_optimizer")
            spec = replace(spec, training=replace(spec.training, **{f"{what}_optimizer": own}))
    shapes = {what: network.input_shape for what, network in spec.networks().items()}
    plain = {what: readers[what].plain_copy(network, input_shape=shapes[what]) for what, network in given.items()}
    found = find_networks(spec, plain, {})
    state = dict(initial_state(spec, seed=DEFAULT_SEED))
    for each in found.values():
        state |= {own: array.astype(np.float64) for own, array in each.read().items()}
    state |= {own: state[followed].copy() for own, followed in averaged(spec).items()}
    if generator_average is not None:
        state |= _average(spec, generator_average)
    notes = []
    for what, optimizer in moved_by.items():
        if optimizer is not None:
            kept = _kept(replace(found[what], object=given[what]), optimizer, readers[what].steps_taken(optimizer))
            notes += [kept] if isinstance(kept, str) else []
            state |= {} if isinstance(kept, str) else kept
    return Reading(spec=spec, state=state, num_samples=_prove(spec, found, state), notes=tuple(notes))


def write_reading(path: Path, reading: Reading, /) -> Path:
    """Write a spec to a TOML file, and the state beside it to .safetensors, whose path is returned."""
    beside = path.with_suffix(".safetensors")
    require_new(path)
    write_spec(path, reading.spec)
    write_state(beside, reading.state, metadata={"gan": reading.spec.name})
    return beside


def require_new(path: Path, /) -> None:
    """Raise UsageError unless a spec may be written there, and a state beside it, and nothing stands there already."""
    if path.suffix != ".toml":
        raise UsageError(f"--out {path} ends in {path.suffix or 'nothing'}; expected a spec's name, FILE.toml")
    for each in (path, path.with_suffix(".safetensors")):
        opening.require_new(each, said="--out")


def _average(spec: GanSpec, network: Any) -> dict[str, np.ndarray]:
    """Return what a network keeps that follows G, as a state has it."""
    what = "generator_average"
    if spec.training.generator_average is None:
        raise UsageError(f"{what} is given, and the GAN that this is like has none; name one that has a moving average")
    reader, own = _reader(network, what), spec.generator
    read_as = reader.read_network(network, input_shape=own.input_shape, what=what)
    kinds = [[(type(placed.layer), placed.output_shape) for placed in each.placed] for each in (read_as, own)]
    if kinds[0] != kinds[1]:
        raise UsageError(f"{what} has other layers than the generator; expected a network as it is, such as a copy")
    theirs = replace(spec, generator=read_as)
    plain = reader.plain_copy(network, input_shape=own.input_shape)
    found = find_networks(theirs, {"generator": plain}, {})["generator"].read()
    # Its layers may have other names than G's, and come in the same order.
    pairs = zip(averaged(spec), averaged(theirs).values(), strict=True)
    return {name: found[followed].astype(np.float64) for name, followed in pairs}


def _kept(found: Found, optimizer: Any, steps: set[int]) -> dict[str, np.ndarray] | str:
    """Return what an optimizer keeps, as a state has it, or a sentence on why it begins anew all the same.

    steps: how many it has taken, by what it counts of its parameters.
    """
    what, own = found.network, getattr(found.spec.training, f"{found.network}_optimizer")
    if steps == {0}:
        return {}
    if not steps:
        return (
            f"{what}_optimizer has no count of its steps beside it, which a state has: it begins anew; to go on, write "
            "a state by hand"
        )
    if len(steps) > 1:
        return (
            f"{what}_optimizer has taken between {min(steps)} and {max(steps)} steps of its parameters, and a spec's "
            "has one count: it begins anew; to go on, let each step move them all"
        )
    kept: dict[str, np.ndarray] = {counter_name(what): np.array(max(steps))}
    kept_by = found.framework.slots(found.object, optimizer)
    for slot in own.slots:
        factor = momentum_factor(own, kept=kept_by.momentum) if slot == "momentum" else 1.0
        arrays = found.canonical({name: array for (name, kind), array in kept_by.slots.items() if kind == slot})
        arrays = {name: array if factor == 1.0 else array / factor for name, array in arrays.items()}
        kept |= {slot_name(what, name, slot): array.astype(np.float64) for name, array in arrays.items()}
    wanted = [slot_name(what, each.name, slot) for each in network_parameters(found.spec, what) for slot in own.slots]
    lacking = [name for name in wanted if name not in kept]
    if lacking:
        return (
            f"{what}_optimizer keeps nothing that is {lacking[0]} of a state: it begins anew; to go on, name one that "
            "the framework's own step has moved"
        )
    return kept


def _reader(network: Any, what: str) -> ModuleType:
    """Return the module that reads networks of a framework; raises UsageError for one that has none."""
    framework = find_framework(network, what=what)
    if not framework.keeps_its_state(network):
        raise UsageError(
            f"{what} is arrays, which say nothing of what is done with them; expected a torch module, a Keras model, a "
            "Gluon block or a flax.nnx module"
        )
    place = getattr(framework, "__name__", "").removesuffix(".program")
    return importlib.import_module(f"{place}.reading")


def _with_networks(spec: GanSpec, given: Mapping[str, Any], readers: Mapping[str, ModuleType], name: str) -> GanSpec:
    """Return a GAN with the networks in the place of its own, and noise of the shape that its generator takes."""
    noise = readers["generator"].first_shape(given["generator"]) or spec.latent.sample_shape
    shapes = {"generator": noise, "discriminator": spec.real.sample_shape}
    networks = {
        what: readers[what].read_network(network, input_shape=shapes[what], what=what)
        for what, network in given.items()
    }
    latent = replace(spec.latent, shape=noise) if isinstance(spec.latent, NormalLatent) else spec.latent
    title = f"Read from a program; data, losses and turns are those of {spec.name}"
    try:
        return replace(
            spec,
            name=name,
            title=title,
            source="",
            latent=latent,
            generator=networks["generator"],
            discriminator=networks["discriminator"],
        )
    except SpecError as error:
        raise UsageError(f"what was read does not fit {spec.name}: {error}; name another GAN that it is like") from None


def _prove(spec: GanSpec, found: Mapping[str, Found], state: State) -> int:
    """Hold a pass of each network to the reference's; return the number of samples. Nothing is dropped in it."""
    plain = replace(spec, generator=_undropped(spec.generator), discriminator=_undropped(spec.discriminator))
    tape = SeededTape(plain, seed=DEFAULT_SEED, digits=DigitSource.parse(None))
    proof = Proof.prepare(plain, state, tape, dtype="float64")
    for network in _NETWORKS:
        objection = proof.objection(replace(found[network], spec=plain))
        if objection:
            raise UnsupportedLayer(f"{objection}; so it was not read rightly, and no spec is written")
    return len(proof.inputs["generator"])


def _undropped(network: Network) -> Network:
    return network.mapped(lambda each: replace(each, probability=0.0) if isinstance(each, Dropout) else each)
