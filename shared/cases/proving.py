"""Proves that a program's networks are the reference's: the same parameters give the same output for the same batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from gan_rosetta.shared.cases.networks import Found
from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.tolerance import Tolerance, num_copies
from gan_rosetta.shared.data.tape import Tape, make_chunk
from gan_rosetta.shared.diagnose.rows import Row, compare_quantity
from gan_rosetta.shared.interface import Chunk, ProbeKey
from gan_rosetta.shared.spec import ClassEmbedding, GanSpec, Sigmoid
from gan_rosetta.shared.spec.feeding import REAL_LABEL, shown_when_asked
from gan_rosetta.shared.state import State
from gan_rosetta.shared.state.layouts import samples_to_native
from gan_rosetta.shared.workers.registry import build_reference

# Of the first batch, which is enough to tell layers by, and cheap for the largest GANs.
_NUM_SAMPLES = 8
_TAKEN = {"generator": ("latent_d", "fake"), "discriminator": ("real", "real")}
_CLASSES = {"generator": "label_d", "discriminator": REAL_LABEL}


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What the reference gives for a first batch.

    inputs: by network; classes: likewise, of networks that take any; outputs, noise: of every layer, by its key.
    """

    inputs: Mapping[str, np.ndarray]
    classes: Mapping[str, np.ndarray]
    outputs: Mapping[ProbeKey, np.ndarray]
    noise: Mapping[ProbeKey, float]
    tolerance: Tolerance

    @classmethod
    def prepare(cls, spec: GanSpec, state: State, tape: Tape, /, *, dtype: str) -> Proof:
        """Run the reference and its copies on the first samples of the first step in which both networks train."""
        chunk = _first_batch(spec, tape)
        trainer = build_reference(spec, dtype=dtype)
        trainer.load_state(state)
        outputs = {key: array for key, array in trainer.probe(chunk).items() if key.quantity == "output"}
        tolerance = Tolerance(num_copies=num_copies(spec), dtype=dtype)
        distances: dict[ProbeKey, list[float]] = {key: [] for key in outputs}
        for seed, coarseness in enumerate(tolerance.coarseness):
            trainer.load_state(state)
            trainer.perturb(seed=seed, coarseness=coarseness)
            probe = trainer.probe(chunk)
            for key, expected in outputs.items():
                distances[key].append(tensor_difference(probe[key], expected))
        inputs = {name: chunk.arrays[array][0].astype(dtype) for name, (array, _) in _TAKEN.items()}
        inputs["discriminator"] = shown_when_asked(spec, inputs["discriminator"], inputs["generator"])
        return cls(
            inputs=inputs,
            classes={
                name: chunk.arrays[array][0].astype(np.int64)
                for name, array in _CLASSES.items()
                if any(isinstance(layer, ClassEmbedding) for layer in spec.networks()[name].all_layers)
            },
            outputs=outputs,
            noise={key: float(tolerance.noise(found)) for key, found in distances.items()},
            tolerance=tolerance,
        )

    def objection(self, found: Found, /) -> str:
        """Return "" where a network gives what the reference does, or what is to be said where it does not."""
        if not found.keeps_its_state:
            return ""  # Arrays are no function: names and shapes are all that there is.
        inputs = self.inputs[found.network]
        if found.match.layout != "canonical":
            inputs = np.ascontiguousarray(samples_to_native(inputs, num_leading=1))
        try:
            classes = [self.classes[found.network]] if found.network in self.classes else []
            output = found.samples(found.framework.call(found.object, inputs, *classes))
        except Exception as error:  # a stranger's network may do anything
            first = (str(error).splitlines() or [""])[0]
            return (
                f"whether the {found.network} is the reference's was not tried: given an array of shape "
                f"{inputs.shape} it raises {type(error).__name__}: {first}"
            )
        rows = [self._row(found, layer, output) for layer in possible_ends(found.spec, found.network)]
        if any(not row.is_off for row in rows):
            return ""
        return (
            f"with the same parameters, the {found.network} does not give what the reference does for the first "
            f"samples: {rows[0].amount}"
        )

    def _row(self, found: Found, layer: str, output: np.ndarray) -> Row:
        stream = _TAKEN[found.network][1]
        key = next(key for key in self.outputs if key.name == f"{found.network}.{layer}" and key.stream == stream)
        expected = self.outputs[key]
        return compare_quantity(
            output.reshape(expected.shape) if output.size == expected.size else output,
            expected,
            noise=self.noise[key],
            tolerance=self.tolerance,
            exact=False,
            visit="before the first step",
            **key._asdict(),
        )


def possible_ends(spec: GanSpec, network: str, /) -> list[str]:
    """Return the layers whose output a network may end with: a discriminator may leave its last sigmoid to the loss."""
    placed = spec.networks()[network].placed
    ends = [placed[-1].name]
    if network == "discriminator" and isinstance(placed[-1].layer, Sigmoid):
        ends.append(placed[-2].name)
    return ends


def _first_batch(spec: GanSpec, tape: Tape) -> Chunk:
    pattern = spec.training.discriminator_steps
    epoch = tape.steps_per_epoch()
    step = next(s for s in range(2 * pattern.period) if pattern.includes(s, steps_per_epoch=epoch))
    chunk = make_chunk(tape, spec, "adversarial", first_step=step, num_steps=1)
    arrays = {name: array[:, :_NUM_SAMPLES] for name, array in chunk.arrays.items()}
    # Both networks then make their batch of one noise, whichever trains first.
    return replace(chunk, arrays=arrays | ({"latent_g": arrays["latent_d"]} if "latent_g" in arrays else {}))
