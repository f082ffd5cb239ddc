"""Mistakes in the clipping of gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.fault import Fault, Number, Plant, another
from gan_rosetta.shared.faults.places import replace_training, update_of
from gan_rosetta.shared.spec import GanSpec, GradientClipping

_WIDER = 10.0
_WORDS = {
    "value": "number by number",
    "norm": "by the norm of each parameter's gradient",
    "global_norm": "by the norm of all gradients together",
}
_OTHERS = {"value": "norm", "norm": "global_norm", "global_norm": "norm"}
_FieldPlants = Callable[[GanSpec, str, GradientClipping], Plant | None]


def _with(spec: GanSpec, player: str, clipping: GradientClipping | None) -> GanSpec:
    return replace_training(spec, **{f"{player}_clipping": clipping})


def _each(plant: _FieldPlants) -> Callable[[GanSpec], list[Plant]]:
    """Return the plants for each player whose gradients are clipped, in the order of a step's updates."""

    def plants(spec: GanSpec) -> list[Plant]:
        first = spec.training.first
        players = (first, "generator" if first == "discriminator" else "discriminator")
        clippings = {player: getattr(spec.training, f"{player}_clipping") for player in players}
        found = [plant(spec, player, own) for player, own in clippings.items() if own is not None]
        return [each for each in found if each is not None]

    return plants


def _missing(spec: GanSpec, player: str, clipping: GradientClipping) -> Plant:
    words = f"{_WORDS[clipping.by]}, to {clipping.bound:g}"
    return Plant(
        spec=_with(spec, player, None), expected=update_of(player), place=f"the {player}", expected_value=words
    )


def _number(spec: GanSpec, player: str, clipping: GradientClipping, field: str, planted: float) -> Plant:
    def with_value(value: float) -> GanSpec:
        changes: dict[str, Any] = {field: value}
        return _with(spec, player, replace(clipping, **changes))

    expected = float(getattr(clipping, field))
    number = Number(
        expected=expected, planted=another(planted, expected=expected), with_value=with_value, is_scale=field == "bound"
    )
    return Plant(spec=with_value(number.planted), expected=update_of(player), place=f"the {player}", number=number)


def _wider(spec: GanSpec, player: str, clipping: GradientClipping) -> Plant:
    return _number(spec, player, clipping, "bound", _WIDER * clipping.bound)


def _other_epsilon(spec: GanSpec, player: str, clipping: GradientClipping) -> Plant | None:
    return None if clipping.by == "value" else _number(spec, player, clipping, "epsilon", 1e-6)


def _other_kind(spec: GanSpec, player: str, clipping: GradientClipping) -> Plant:
    other: GradientClipping = replace(clipping, by=_OTHERS[clipping.by])  # type: ignore[arg-type]
    return Plant(
        spec=_with(spec, player, other),
        expected=update_of(player),
        place=f"the {player}",
        found=_WORDS[other.by],
        expected_value=_WORDS[clipping.by],
    )


FAULTS = (
    Fault(
        name="gradients-not-clipped",
        summary="gradients left as they are before an update",
        remedy="The gradients of {place} are not clipped: clip them {expected}, before each update.",
        plants=_each(_missing),
        together="both players",
    ),
    Fault(
        name="gradients-clipped-wider",
        summary="gradients held to ten times their bound",
        remedy="The gradients of {place} are held to {found}: hold them to {expected}.",
        plants=_each(_wider),
        together="both players",
    ),
    Fault(
        name="gradients-clipped-otherwise",
        summary="gradients clipped by the norm of all in place of each, or of each in place of all",
        remedy="The gradients of {place} are clipped {found}: clip them {expected}. torch's clip_grad_norm_ takes all "
        "together, Keras's clipnorm each.",
        plants=_each(_other_kind),
        together="both players",
    ),
    Fault(
        name="gradient-norm-epsilon",
        summary="ε 1e-6 added to the norm by which gradients are clipped, torch's",
        remedy="ε of the clipping of {place}'s gradients is {found}: set it to {expected}. torch adds 1e-6 to the "
        "norm, Gluon 1e-8, Keras and optax nothing.",
        plants=_each(_other_epsilon),
        together="both players",
    ),
)
