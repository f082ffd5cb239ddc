"""Mistakes in branches: a shortcut left out or taken elsewhere, ends in another order or joined by another rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal, cast, get_args

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.faults.fault import Fault, Location, Plant
from gan_rosetta.shared.faults.layer_fields import words_of
from gan_rosetta.shared.faults.places import Place, find_layers, layer_at, output_of
from gan_rosetta.shared.spec import ERRORS, NETWORK_INPUT, Activation, Branches, GanSpec, Layer
from gan_rosetta.shared.spec.branches import Join

_HELD = "_held"


def plant_blocks(spec: GanSpec, join: str, other: Callable[[Branches], Iterator[tuple[Layer, ...]]], /) -> list[Plant]:
    """Return a plant for each way in which a block of that join may be other layers, of the same names in all."""
    plants = []
    for place in find_layers(spec, Branches, where=lambda block: block.join == join):
        for layers in other(layer_at(spec, place)):
            try:
                changed = _with(spec, place, layers)
            except SpecError:
                # Where a shortcut alone takes what comes before, nothing would without it.
                continue
            expected = output_of(spec, place)
            plants.append(Plant(spec=changed, expected=expected, place=words_of(spec, place), seen_as=spec))
    return plants


def _with(spec: GanSpec, place: Place, layers: tuple[Layer, ...]) -> GanSpec:
    name, index = place
    network = spec.networks()[name].replaced(index, *layers)
    return replace(spec, generator=network) if name == "generator" else replace(spec, discriminator=network)


def _without_shortcut(block: Branches) -> Iterator[tuple[Layer, ...]]:
    for index, branch in enumerate(block.branches):
        if not branch.layers:
            yield (replace(block, branches=block.branches[:index] + block.branches[index + 1 :]),)


def _activated_shortcut(block: Branches) -> Iterator[tuple[Layer, ...]]:
    main, *others = block.branches
    begins_so = len(main.layers) > 1 and isinstance(main.layers[0], get_args(Activation))
    if begins_so and len(others) == 1 and not others[0].layers:
        yield main.layers[0], replace(block, branches=(replace(main, layers=main.layers[1:]), *others))


def _reversed(block: Branches) -> Iterator[tuple[Layer, ...]]:
    # Where only one has layers, these stay in the order in which they are seen.
    if sum(bool(branch.layers) for branch in block.branches) == 1:
        yield (replace(block, branches=block.branches[::-1]),)


def _joined_by(join: Literal["affine", "modulate"]) -> Callable[[Branches], Iterator[tuple[Layer, ...]]]:
    def change(block: Branches) -> Iterator[tuple[Layer, ...]]:
        yield (replace(block, join=join),)

    return change


def _other_error(block: Branches) -> Iterator[tuple[Layer, ...]]:
    first, second = "squared", "absolute"
    if block.join.startswith(second):
        first, second = second, first
    yield (replace(block, join=cast("Join", block.join.replace(first, second))),)


def _other_end(spec: GanSpec) -> list[Plant]:
    """Lead a gradient back through the end that an error holds, or hold the one that it does not."""
    plants = []
    for place in find_layers(spec, Branches, where=lambda block: block.join in ERRORS):
        name, index = place
        block: Branches = layer_at(spec, place)
        held = block.join.endswith(_HELD)
        join = cast("Join", block.join.removesuffix(_HELD) if held else block.join + _HELD)
        # Of what the network is given D's own gradient does not hang on.
        of_given = spec.networks()[name].placed[index].sources[1] == NETWORK_INPUT
        ends = {True: "a constant", False: "what a gradient is led back through"}
        plants.append(
            Plant(
                spec=_with(spec, place, (replace(block, join=join),)),
                expected=Location(phase="generator" if of_given else spec.training.first, quantities=("gradient",)),
                place=words_of(spec, place),
                found=ends[not held],
                expected_value=ends[held],
            )
        )
    return plants


def _errors(spec: GanSpec) -> list[Plant]:
    return [plant for join in ERRORS for plant in plant_blocks(spec, join, _other_error)]


FAULTS = (
    Fault(
        name="shortcut-missing",
        summary="a residual block without its shortcut",
        remedy="{place} gives what its branch gives alone: add what the block was given.",
        plants=lambda spec: plant_blocks(spec, "add", _without_shortcut),
        together="every residual block",
    ),
    Fault(
        name="shortcut-after-activation",
        summary="a residual block's shortcut taken behind its branch's first activation, as of one in place",
        remedy="{place} adds what its branch's first activation gives: add what the block was given. An activation in "
        "place, as ReLU(inplace=True) in torch, writes over what the shortcut still has to take.",
        plants=lambda spec: plant_blocks(spec, "add", _activated_shortcut),
        together="every residual block",
    ),
    Fault(
        name="concatenation-order",
        summary="branches put together in another order",
        remedy="{place} puts the ends of its branches together in another order: turn it round.",
        plants=lambda spec: plant_blocks(spec, "concatenate", _reversed),
        together="every concatenation",
    ),
    Fault(
        name="gain-without-one",
        summary="what is added to a gain of 1 taken as the gain itself",
        remedy="{place} takes its gain for the whole of it: multiply by 1 + gain.",
        plants=lambda spec: plant_blocks(spec, "modulate", _joined_by("affine")),
        together="every modulation",
    ),
    Fault(
        name="gain-with-one",
        summary="a gain taken as what is added to 1",
        remedy="{place} adds 1 to its gain: multiply by the gain itself.",
        plants=lambda spec: plant_blocks(spec, "affine", _joined_by("modulate")),
        together="every gain and bias",
    ),
    Fault(
        name="energy-form",
        summary="absolute errors in an energy in place of squares, or the other way round",
        remedy="{place} takes the mean of other errors: of absolute ones for squares, or of squares for absolute ones.",
        plants=_errors,
        together="every energy",
    ),
    Fault(
        name="energy-held",
        summary="a gradient led back through the end of an energy that is a constant, or the other way round",
        remedy="The second end of {place} is {found}: let it be {expected}.",
        plants=_other_end,
        together="every energy",
    ),
)
