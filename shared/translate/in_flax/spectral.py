"""Layers in flax whose kernel is under a spectral norm; nnx.SpectralNorm has one form, and stands around a layer."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec, Layer, SpectralNorm
from gan_rosetta.shared.translate.in_jax.spectral import moves_of
from gan_rosetta.shared.translate.parts import Part, spectral_forms
from gan_rosetta.shared.translate.writing import indented

# Of each kind of layer: nnx's name, what it calls its kernel, and the kernel's axes with a row for each output.
_KINDS: dict[type, tuple[str, str, str]] = {
    spec.Linear: ("Linear", "kernel", "(1, 0)"),
    spec.Conv2d: ("Conv", "kernel", "(3, 2, 0, 1)"),
    spec.ConvTranspose2d: ("ConvTranspose", "kernel", "(2, 3, 0, 1)"),
    spec.ClassEmbedding: ("Embed", "embedding", "(0, 1)"),
}


def with_spectral_norm(part: Part, layer: Layer, gan: GanSpec, /) -> Part:
    """Return a layer as it is made with the norm that its kernel has, or as it was where it has none."""
    norm = getattr(layer, "spectral_norm", None)
    if norm is None or part.made is None:
        return part
    kind, settings = part.made
    own = f"Spectral{spectral_forms(gan)[norm]}"
    # In groups a transposed convolution is nnx.Conv's, by a kernel whose outputs are of one group.
    return replace(part, made=(kind.replace("nnx.", own).replace("Grouped", f"{own}Grouped"), settings))


def spectral_classes(gan: GanSpec, /) -> list[str]:
    """Return the classes of layers whose kernel is divided by its largest singular value."""
    layers = [layer for network in gan.networks().values() for layer in network.all_layers]
    classes = []
    for norm, suffix in spectral_forms(gan).items():
        own = [layer for layer in layers if getattr(layer, "spectral_norm", None) == norm]
        classes.append(_norm_class(norm, suffix))
        kinds = {type(layer) for layer in own if getattr(layer, "groups", 1) == 1 or isinstance(layer, spec.Conv2d)}
        classes += [
            _layer_class(f"nnx.{name}", suffix, *more) for kind, (name, *more) in _KINDS.items() if kind in kinds
        ]
        if any(isinstance(layer, spec.ConvTranspose2d) and layer.groups != 1 for layer in own):
            classes.append(_layer_class("GroupedConvTranspose", suffix, *_KINDS[spec.ConvTranspose2d][1:]))
    return classes


def _layer_class(name: str, suffix: str, kernel: str, axes: str) -> str:
    return f'''\
class Spectral{suffix}{name.removeprefix("nnx.")}(SpectralNorm{suffix}, {name}):
    """{name} of a kernel divided by its largest singular value."""

    kept, axes = "{kernel}", {axes}'''


def _norm_class(norm: SpectralNorm, suffix: str) -> str:
    followed = "matrix" if norm.sigma_gradient == "followed" else "constant"
    return f'''\
class SpectralNorm{suffix}:
    """What layers share that divide their kernel by its largest singular value (Miyato 2018)."""

    kept: str  # what the layer calls its kernel
    axes: tuple[int, ...]  # of the kernel, a row for each output

    def __init__(self, *sizes: Any, **settings: Any) -> None:
        super().__init__(*sizes, **settings)
        for name, size in zip(("weight_u", "weight_v"), self.matrix().shape, strict=True):
            setattr(self, name, nnx.BatchStat(jnp.zeros(size)))

    def matrix(self) -> Array:
        """Return the kernel, a row for each output."""
        turned = getattr(self, self.kept)[...].transpose(self.axes)
        return turned.reshape(len(turned), -1)

    def __call__(self, x: Array) -> Array:
        """Return what the layer does with its kernel divided, after u and v have moved."""
        matrix, u, v = self.matrix(), self.weight_u[...], self.weight_v[...]
        constant = lax.stop_gradient(matrix)  # u and v are constants for the gradient
{indented(chr(10).join(moves_of(norm)), by=8)}
        self.weight_u[...], self.weight_v[...] = u, v
        own = getattr(self, self.kept)
        kernel = own[...]
        own[...] = kernel / (u @ ({followed} @ v))
        y = super().__call__(x)
        own[...] = kernel
        return y'''
