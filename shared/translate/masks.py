"""What a program draws for dropouts and augmentations."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.spec import Augment, Dropout, GanSpec, PlacedLayer, passes
from gan_rosetta.shared.spec.feeding import is_mask
from gan_rosetta.shared.translate.writing import indented, literal, number, numbers


def has_masks(spec: GanSpec, /) -> bool:
    """Whether any pass of a step is fed masks."""
    return any(each.masks for each in passes(spec).values())


def draw_masks(spec: GanSpec, /) -> str:
    """Return the function that draws what dropouts keep and augmentations change by, in each pass of a step."""
    entries = []
    augmenting = _draw_augmentations(spec)
    for network_name, network in spec.networks().items():
        places = [each for each in passes(spec).values() if each.network == network_name and each.masks]
        dropped = [
            f'"{placed.name}": ({numbers(placed.layer.mask_shape(placed.input_shape))}, '
            f"{number(placed.layer.probability)})"
            for placed in network.placed
            if isinstance(placed.layer, Dropout)
        ]
        if dropped:
            places = [each for each in places if any(is_mask(mask.name) for mask in each.masks)]
            names = [
                f'"{each.phase}.{each.stream}.{network_name}"'
                for each in places
                if all(mask.name == mask.drawn_as for mask in each.masks if is_mask(mask.name))
            ]
            entries.append(
                (literal("for place in (", _one(names), "):", later=4), literal("layers = {", dropped, "}", later=4))
            )
    lines = [
        "def draw_masks(random: np.random.Generator, num_samples: int) -> dict[str, np.ndarray]:",
        f'    """Return what each {_drawing(spec)} through its network."""',
        "    masks = {}",
    ]
    for loop, layers in entries:
        lines += [
            "    # The shape of a mask, and how often an entry of it is dropped.",
            indented(layers, by=4),
            indented(loop, by=4),
            "        for name, (shape, probability) in layers.items():",
            "            drawn = random.random((num_samples, *shape))",
            '            masks[f"mask.{place}.{name}"] = drawn >= probability',
        ]
    lines += augmenting
    if spec.training.dropout_masks == "shared" and entries:
        shown = [f'"mask.discriminator.{each}.discriminator."' for each in _shown_again(spec)]
        both = "both batches" if len(shown) > 1 else "G's batch"
        lines += [
            f"    # D drops the same of {both} in both updates.",
            f"    shown = ({', '.join(_one(shown))})",
            "    for name in [name for name in masks if name.startswith(shown)]:",
            '        masks[name.replace("discriminator", "generator", 1)] = masks[name]',
        ]
    return "\n".join([*lines, "    return masks"])


def _drawing(spec: GanSpec) -> str:
    layers = [layer for network in spec.networks().values() for layer in network.all_layers]
    kinds = {"dropout keeps": Dropout, "augmentation draws": Augment}
    said = [words for words, kind in kinds.items() if any(isinstance(layer, kind) for layer in layers)]
    # A line has no room for more.
    return f"{' and '.join(said)}, in each pass{' of a step' if len(said) == 1 else ''}"


def _draw_augmentations(spec: GanSpec) -> list[str]:
    """Return the lines that draw what augmentations change images by, a row a sample."""
    lines = []
    for network_name, network in spec.networks().items():
        drawn = [
            f'"{placed.name}": {_drawn_by(placed)}' for placed in network.placed if isinstance(placed.layer, Augment)
        ]
        places = [each for each in passes(spec).values() if each.network == network_name]
        if drawn:
            names = [f'"{each.phase}.{each.stream}.{network_name}"' for each in places]
            lines += [
                indented(literal("for place in (", _one(names), "):", later=4), by=4),
                indented(literal("layers = {", drawn, "}", later=8), by=8),
                '        masks |= {f"augment.{place}.{name}": drawn for name, drawn in layers.items()}',
            ]
    return lines


def _drawn_by(placed: PlacedLayer) -> str:
    layer: Any = placed.layer
    if layer.policy == "colour":
        return "random.random((num_samples, 3)) * (1.0, 2.0, 1.0) + (-0.5, 0.0, 0.5)"
    pairs = [(size, layer.reach(size)) for size in placed.input_shape[1:]]
    if layer.policy == "translation":
        low, high = numbers([-reach for _, reach in pairs]), numbers([reach + 1 for _, reach in pairs])
        return f"random.integers({low}, {high}, (num_samples, 2))"
    return f"random.integers(0, {numbers([size + 1 - reach % 2 for size, reach in pairs])}, (num_samples, 2))"


def _shown_again(spec: GanSpec) -> list[str]:
    """Return the streams that D sees in G's update too."""
    again = ("generator", "discriminator")
    return [each.stream for each in passes(spec).values() if (each.phase, each.network) == again]


def _one(names: list[str]) -> list[str]:
    """Return a tuple's entries; of one alone with the comma that makes it a tuple."""
    return [f"{names[0]},"] if len(names) == 1 else names
