"""A GAN as a framework's own parts have it, where their form is not the description's, and how far that is off.

A program of a framework's own parts is the translation of another GAN: that of these forms. So it is proved as any
other, and what it does otherwise is measured between the two descriptions, by the reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from gan_rosetta.shared.cases.measuring import measure_reference
from gan_rosetta.shared.compare.verdict import judge
from gan_rosetta.shared.compare.yardstick import END
from gan_rosetta.shared.data.tape import Tape
from gan_rosetta.shared.faults.places import (
    Place,
    find_layers,
    find_optimizers,
    layer_at,
    layer_name,
    replace_layer,
    replace_optimizer,
)
from gan_rosetta.shared.runs.training import run_training
from gan_rosetta.shared.spec import GanSpec, Layer, Optimizer
from gan_rosetta.shared.state import State
from gan_rosetta.shared.translate.forms import OwnForm
from gan_rosetta.shared.workers.registry import build_reference


@dataclass(frozen=True, kw_only=True)
class OwnPart:
    """A place of a GAN at which a framework's own part has another form.

    name: of a layer in a state, or of an optimizer. layer: where a layer stands, None for an optimizer. fields: with
    what the part has there.
    """

    name: str
    layer: Place | None
    form: OwnForm
    found: Layer | Optimizer
    fields: Mapping[str, Any]

    def apply(self, spec: GanSpec, /) -> GanSpec:
        """Return the GAN with the part in this place."""
        found: Any = self.found
        own = replace(found, **self.fields)
        if self.layer is None:
            return replace_optimizer(spec, self.name, own)
        return replace_layer(spec, self.layer, own)

    @property
    def words(self) -> str:
        """What is otherwise."""
        forms = (
            self.form.words.get(name) or f"{name} {own!r} in place of {getattr(self.found, name)!r}"
            for name, own in self.fields.items()
        )
        where = self.name if self.layer is not None else f"the {self.name}'s optimizer"
        return f"{where} is {self.form.part}, which has {' and '.join(forms)}"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """By how much a part is off.

    losses: the largest difference of a loss. place: the first that rounding does not explain, "" where there is none in
    so many steps.
    """

    part: OwnPart
    losses: float
    place: str
    num_steps: int

    @property
    def sentence(self) -> str:
        """The part and its difference."""
        if not self.place:
            return f"{self.part.words}: no further off than rounding in {self.num_steps} steps."
        return f"{self.part.words}: first off in {self.place}; at most {self.losses:.0e} in the losses."

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "place": self.part.name,
            "part": self.part.form.part,
            "fields": {name: self.part.form.words.get(name, own) for name, own in self.part.fields.items()},
            "largest_loss_difference": self.losses,
            "first": self.place,
            "steps": self.num_steps,
        }


def own_parts(spec: GanSpec, dialect: ModuleType, /) -> list[OwnPart]:
    """Return where a dialect's own parts have another form than a GAN, form by form."""
    forms: Sequence[OwnForm] = dialect.OWN_FORMS
    found = []
    for form in forms:
        layers = [(layer_name(spec, place), place, layer_at(spec, place)) for place in find_layers(spec, form.kind)]
        optimizers = [(name, None, each) for name, each in find_optimizers(spec, form.kind)]
        found += [
            OwnPart(name=name, layer=place, form=form, found=each, fields=fields)
            for name, place, each in (*layers, *optimizers)
            if (fields := form.differs(each))
        ]
    return found


def with_own_parts(spec: GanSpec, parts: Sequence[OwnPart], /) -> GanSpec:
    """Return a GAN of a framework's own parts."""
    for part in parts:
        spec = part.apply(spec)
    return spec


def measure_parts(
    spec: GanSpec, parts: Sequence[OwnPart], state: State, tape: Tape, /, *, dtype: str, seed: int
) -> list[Difference]:
    """Return how far each part by itself takes the reference from a GAN, on the same state and tape."""
    if not parts:
        return []
    reference, yardstick = measure_reference(spec, state, tape, dtype=dtype, seed=seed, keep_going=False)

    def measured(part: OwnPart) -> Difference:
        changed = part.apply(spec)
        trainer = build_reference(changed, dtype=dtype)
        trainer.load_state(state)
        losses = run_training(trainer, changed, tape, keep_going=False).losses
        other = replace(reference, name=part.form.part, losses=losses, moments={END: trainer.export_state()})
        pair = judge(reference, other, yardstick, spec)
        place = str(pair.findings[0]) if pair.findings else ""
        return Difference(part=part, losses=pair.largest, place=place, num_steps=pair.checked_steps)

    return [measured(part) for part in parts]
