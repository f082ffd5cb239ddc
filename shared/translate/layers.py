"""Layers that dialects write alike, most by a function of a program that each dialect has in words of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import ClassCrossEntropy, ClassEmbedding, PlacedLayer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number

Writer = Callable[[PlacedLayer, str], Part]
"""Returns a layer as a program has it, from where it stands and what the program calls it."""


def plain(applied: str, /, *, needs: tuple[str, ...] = (), remark: str = "") -> Writer:
    """Return what writes a layer without settings. applied, needs, remark: as in Part."""
    part = Part(applied=applied, needs=needs, remark=remark)
    return lambda *_: part


def leaky_relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, slope · x elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"leaky_relu({{x}}, {number(layer.slope)})", needs=("leaky_relu",))


def prelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, w · x elsewhere."""
    layer: Any = placed.layer
    made = ("PReLU(", [number(layer.num_parameters)])
    return Part(made=made, applied=f"self.{name}({{x}})", joins=True, needs=("prelu",))


def elu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"elu({{x}}, {number(layer.alpha)})", needs=("elu",))


def selu(placed: PlacedLayer, name: str, /) -> Part:
    """Write scale · ELU."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"{number(layer.scale)} * elu({{x}}, {number(layer.alpha)})", needs=("elu",))


def dropout(placed: PlacedLayer, name: str, /) -> Part:
    """Write a dropout by a mask that is fed."""
    del name
    layer: Any = placed.layer
    applied = f'dropout({{x}}, masks.get("{placed.name}"), {number(layer.probability)})'
    return Part(applied=applied, needs=("dropout", "masks_of"))


def augment(placed: PlacedLayer, name: str, /) -> Part:
    """Write an augmentation by what is drawn for each image."""
    del name
    return augmented(placed, f'masks.get("{placed.name}")')


def augmented(placed: PlacedLayer, drawn: str, /) -> Part:
    """Return a layer that augments images by `drawn`: a function of its policy, which every dialect has."""
    layer: Any = placed.layer
    kind = f"augment_{layer.policy}"
    sizes = placed.input_shape[1:] if layer.policy == "cutout" else ()
    settings = [number(layer.reach(size)) for size in sizes]
    return Part(applied=f"{kind}({', '.join(['{x}', drawn, *settings])})", needs=(kind, "masks_of"))


def rows_of_classes(layer: ClassEmbedding, table: str, flat: str, /) -> Part:
    """Return what a table has of each of `classes`: a row, or several one behind the other.

    table: the expression of what is called with rows' numbers. flat: of {r}, the rows of a class one behind the other.
    """
    if layer.rows_per_class == 1:
        return Part(applied=f"{table}(classes)")
    looked_up = f"{table}(rows_of(classes, {number(layer.rows_per_class)}))"
    return Part(applied=flat.format(r=looked_up), needs=("rows_of",))


def logits_of_classes(layer: ClassCrossEntropy, /) -> str:
    """Return the expression of the logit that a cross entropy takes of each of `classes`."""
    scaled = "classes" if layer.stride == 1 else f"{number(layer.stride)} * classes"
    return f"{scaled} + {number(layer.offset)}" if layer.offset else scaled


def class_cross_entropy(placed: PlacedLayer, name: str, /) -> Part:
    """Write -log softmax of the classes that are fed."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"class_cross_entropy({{x}}, {logits_of_classes(layer)})", needs=("class_cross_entropy",))


def class_contrast(placed: PlacedLayer, name: str, /) -> Part:
    """Write a contrast with the batch's other samples."""
    del name
    layer: Any = placed.layer
    kind = "contrast" if layer.margin is None else "data_to_data"
    settings = [number(layer.temperature), number(layer.epsilon)]
    settings += [] if layer.margin is None else [number(layer.margin)]
    return Part(applied=f"{kind}({{x}}, classes, {', '.join(settings)})", needs=("halves", kind))


def pull_away(placed: PlacedLayer, name: str, /) -> Part:
    """Write how alike samples are, by the function `pull_away` of a dialect."""
    del placed, name
    return Part(applied="pull_away({x})", needs=("pull_away",))


def code_error(placed: PlacedLayer, name: str, /) -> Part:
    """Write how far what is found of a code is from it, a part of the `codes` that are fed."""
    del name
    layer: Any = placed.layer
    own = f"codes[:, {number(layer.start)}:{number(layer.stop)}]"
    kind = "code_entropy" if layer.form == "cross-entropy" else "code_distance"
    return Part(applied=f"{kind}({{x}}, {own})", needs=(kind,))


def upsample(placed: PlacedLayer, name: str, /) -> Part:
    """Write an upsampling."""
    del name
    layer: Any = placed.layer
    kind = "repeat_pixels" if layer.mode == "nearest" else "interpolate"
    return Part(applied=f"{kind}({{x}}, {number(layer.factor)})", needs=(kind,))


def scale(placed: PlacedLayer, name: str, /) -> Part:
    """Write γ · x."""
    del placed
    return Part(made=("Scale(", []), applied=f"self.{name}({{x}})", joins=True, needs=("scale",))


def recalled(concatenated: str, /) -> Writer:
    """Return what writes features of an earlier layer, taken up again. concatenated: of {x}, several along features."""

    def recall(placed: PlacedLayer, name: str, /) -> Part:
        del name
        layer: Any = placed.layer
        ends = [f"{{x}}[:, {number(start)}:{number(stop)}]" for start, stop in layer.parts]
        return Part(applied=ends[0] if len(ends) == 1 else concatenated.replace("{x}", ", ".join(ends)))

    return recall


def joined(*, concatenated: str, dot: str) -> Writer:
    """Return what writes a join of branches. concatenated: of {x}, the ends; dot: of {x}, their product."""

    def branches(placed: PlacedLayer, name: str, /) -> Part:
        del name
        layer: Any = placed.layer
        if layer.join == "concatenate":
            return Part(applied=concatenated, between=", ")
        if layer.join == "dot":
            return Part(applied=dot, between=" * ")
        if layer.join in spec.ERRORS:
            return error_between(layer.join)
        if layer.join in ("attend", "attend_scaled"):
            more = ", scaled=True" if layer.join == "attend_scaled" else ""
            return Part(applied=f"attend({{x}}{more})", between=", ", needs=("attend",))
        if layer.join in ("affine", "modulate"):
            return Part(applied=f"{layer.join}({{x}})", between=", ", needs=(layer.join,))
        return Part(applied="{x}", between=" + " if layer.join == "add" else " * ")

    return branches


def error_forms(join: str, /) -> dict[str, bool]:
    """Return the settings of the function `error` that a join of branches asks for."""
    return {"squared": join.startswith("squared"), "held": join.endswith("held")}


def error_between(join: str, /) -> Part:
    """Write how far two ends are apart, by the function `error` of a dialect."""
    settings = [f"{name}=True" for name, asked in error_forms(join).items() if asked]
    return Part(applied=f"error({', '.join(['{x}', *settings])})", between=", ", needs=("error",))
