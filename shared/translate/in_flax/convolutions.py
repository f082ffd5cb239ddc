"""Convolutions in flax: nnx's own, but for transposed ones in groups, of which it has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number, numbers


def conv2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a cross-correlation."""
    layer: Any = placed.layer
    settings = [f"padding={_edges(layer.margins)}"]
    settings += [f"kernel_dilation={number(layer.dilation)}"] if layer.dilation != 1 else []
    settings += [f"feature_group_count={number(layer.groups)}"] if layer.groups != 1 else []
    return Part(made=("nnx.Conv(", _window(layer, settings)), applied=f"self.{name}({{x}})")


def conv_transpose2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a transposed convolution; nnx's padding is that of the convolution that it is made of."""
    layer: Any = placed.layer
    reach = [layer.dilation * (size - 1) for size in layer.kernel]
    pairs = zip(reach, layer.margins, strict=True)
    edges = [(far - one, far - other + layer.output_padding) for far, (one, other) in pairs]
    settings = [f"padding={_edges(edges)}"]
    settings += [f"kernel_dilation={number(layer.dilation)}"] if layer.dilation != 1 else []
    settings.append("transpose_kernel=True")
    if layer.groups == 1:
        return Part(made=("nnx.ConvTranspose(", _window(layer, settings)), applied=f"self.{name}({{x}})")
    settings[-1] = f"groups={number(layer.groups)}"
    made = ("GroupedConvTranspose(", _window(layer, settings))
    return Part(made=made, applied=f"self.{name}({{x}})", needs=("grouped",))


def _edges(edges: Sequence[tuple[int, int]]) -> str:
    """Return what is added on each side, a number where it is the same on all."""
    is_one = len({edge for both in edges for edge in both}) == 1
    return number(edges[0][0]) if is_one else _pairs(edges)


def _pairs(pairs: Sequence[tuple[int, int]]) -> str:
    return f"({', '.join(numbers(pair) for pair in pairs)})"


def _window(layer: Any, more: list[str]) -> list[str]:
    settings = [number(layer.in_channels), number(layer.out_channels), numbers(layer.kernel)]
    settings += [f"strides={number(layer.stride)}"] if layer.stride != 1 else []
    settings += more
    return [*settings, *(["use_bias=False"] if layer.bias_init is None else []), "rngs=rngs"]


FUNCTIONS = {
    "grouped": '''\
class GroupedConvTranspose(nnx.Conv):
    """A transposed convolution in groups: one of images with zeros between their pixels."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: tuple[int, int],
        *,
        strides: int = 1,
        groups: int,
        **settings: Any,
    ) -> None:
        super().__init__(
            in_features,
            out_features,
            kernel_size,
            input_dilation=strides,
            feature_group_count=groups,
            **settings,
        )
        # Kept as a state has it: (height, width, outputs / groups, inputs).
        shape = (*kernel_size, out_features // groups, in_features)
        self.kernel = nnx.Param(jnp.zeros(shape))

    def __call__(self, x: Array) -> Array:
        """Return what nnx.Conv does with the kernel turned round, group by group."""
        kernel = self.kernel
        parts = jnp.split(kernel[::-1, ::-1], self.feature_group_count, axis=3)
        turned = [part.swapaxes(2, 3) for part in parts]
        self.kernel = nnx.Param(jnp.concatenate(turned, axis=3))
        y = super().__call__(x)
        self.kernel = kernel
        return y'''
}
