"""How a layer of Keras is made: called with settings, and put into a network."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_tensorflow import layers as in_tensorflow
from gan_rosetta.shared.translate.parts import Part

# What Keras calls layers without a name, of what a spec may call one.
AUTOMATIC = frozenset(
    [
        "activation",
        "add",
        "concatenate",
        "cropping2d",
        "dot",
        "elu",
        "flatten",
        "lambda",
        "multiply",
        "permute",
        "reshape",
    ]
)
_SHAPE_BY_CALL = '''

    def compute_output_spec(self, x: tf.Tensor) -> keras.KerasTensor:
        """Return the output's shape, which is not that of the class above."""
        return keras.Operation.compute_output_spec(self, x)'''


def keras_layer(kind: str, settings: list[str], /) -> str:
    """Return the expression of a layer of Keras's own."""
    return f"keras.layers.{kind}({', '.join(settings)})"


def layers(*made: str, needs: tuple[str, ...] = ()) -> Part:
    """Return layers in a row, each as an expression that makes it; none hands on what comes in."""
    if not made:
        return Part(applied="{x}", needs=needs)
    first, *others = (f"{each}({{x}})" for each in made)
    return Part(applied=first, then=tuple(others), begins=True, needs=needs)


def made_of(part: Part, /) -> list[str]:
    """Return the expressions that make a part's layers."""
    return [each.removesuffix("({x})") for each in (part.applied, *part.then) if each != "{x}"]


def named(placed: PlacedLayer, /) -> str:
    """Return the argument that names a layer, as a state does unless Keras calls others so."""
    return f'name="{placed.name}{"_" if placed.name in AUTOMATIC else ""}"'


def own_class(placed: PlacedLayer, name: str, /) -> Part:
    """Write a layer of the program's own, made as TensorFlow's dialect makes it."""
    part = in_tensorflow.LAYERS[type(placed.layer)](placed, name)
    if part.made is None:
        raise TypeError(f"{type(placed.layer).__name__} makes nothing")
    kind, settings = part.made
    return layers(f"{kind}{', '.join([*settings[:-1], named(placed)])})", needs=part.needs)


def last(functions: Mapping[str, str], /, *, of: Collection[str]) -> dict[str, str]:
    """Return classes, of which some say their output's shape by what they do."""
    return {name: text + (_SHAPE_BY_CALL if name in of else "") for name, text in functions.items()}
