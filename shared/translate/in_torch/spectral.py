"""Layers in PyTorch whose weight is under a spectral norm; torch's own has one form, and begins with iterations."""

from __future__ import annotations

import textwrap
from dataclasses import replace

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec, Layer, SpectralNorm
from gan_rosetta.shared.spec.spectral import V
from gan_rosetta.shared.translate.parts import Part, spectral_forms
from gan_rosetta.shared.translate.writing import WIDTH, indented, number

# Of each kind of layer: torch's name, and what it does with a weight and a bias.
_KINDS: dict[type, tuple[str, str]] = {
    spec.Linear: ("Linear", "functional.linear(x, self.divided_weight(), self.bias)"),
    spec.ClassEmbedding: ("Embedding", "functional.embedding(x, self.divided_weight())"),
    spec.Conv2d: (
        "Conv2d",
        "functional.conv2d(\n"
        "            x,\n"
        "            self.divided_weight(),\n"
        "            self.bias,\n"
        "            self.stride,\n"
        "            self.padding,\n"
        "            self.dilation,\n"
        "            self.groups,\n"
        "        )",
    ),
    spec.ConvTranspose2d: (
        "ConvTranspose2d",
        "functional.conv_transpose2d(\n"
        "            x,\n"
        "            self.divided_weight(),\n"
        "            self.bias,\n"
        "            self.stride,\n"
        "            self.padding,\n"
        "            self.output_padding,\n"
        "            self.groups,\n"
        "            self.dilation,\n"
        "        )",
    ),
}


def with_spectral_norm(part: Part, layer: Layer, gan: GanSpec, /) -> Part:
    """Return a layer as it is made with the norm that its weight has, or as it was where it has none."""
    norm = getattr(layer, "spectral_norm", None)
    if norm is None or part.made is None:
        return part
    kind, settings = part.made
    return replace(part, made=(kind.replace("nn.", f"Spectral{spectral_forms(gan)[norm]}", 1), settings))


def spectral_classes(gan: GanSpec, /) -> list[str]:
    """Return the classes of layers whose weight is divided by its largest singular value."""
    layers = [layer for network in gan.networks().values() for layer in network.all_layers]
    classes = []
    for norm, suffix in spectral_forms(gan).items():
        own = {type(layer) for layer in layers if getattr(layer, "spectral_norm", None) == norm}
        classes.append(_norm_class(norm, suffix, transposes=spec.ConvTranspose2d in own))
        classes += [_layer_class(kind, suffix) for kind in _KINDS if kind in own]
    return classes


def _layer_class(kind: type, suffix: str) -> str:
    name, applied = _KINDS[kind]
    return f'''\
class Spectral{suffix}{name}(SpectralNorm{suffix}, nn.{name}):
    """nn.{name} of a weight divided by its largest singular value."""

    def forward(self, x: Tensor) -> Tensor:
        """Return what nn.{name} does."""
        return {applied}'''


def _norm_class(norm: SpectralNorm, suffix: str, *, transposes: bool) -> str:
    rows = ["rows = self.weight.transpose(0, 1) if isinstance(self, nn.ConvTranspose2d) else self.weight"]
    rows = [*rows, "return rows.flatten(1)"] if transposes else ["return self.weight.flatten(1)"]
    moves = [line for short in norm.updates[:2] for line in _move(norm, short)]
    if norm.num_iterations > 1:
        moves = [f"for _ in range({number(norm.num_iterations)}):", *(f"    {line}" for line in moves)]
    followed = "matrix" if norm.sigma_gradient == "followed" else "matrix.detach()"
    return f'''\
class SpectralNorm{suffix}(nn.Module):
    """What layers share whose weight is divided by its largest singular value (Miyato et al. 2018).

    {_remark(norm)}
    """

    def __init__(self, *sizes: int, **settings: Any) -> None:
        super().__init__(*sizes, **settings)
        for name, size in zip(("weight_u", "weight_v"), self.matrix().shape, strict=True):
            self.register_buffer(name, functional.normalize(torch.randn(size), dim=0))

    def matrix(self) -> Tensor:
        """Return the weight, a row for each output."""
{indented(chr(10).join(rows), by=8)}

    def divided_weight(self) -> Tensor:
        """Return the weight divided, after u and v have moved."""
        matrix, u, v = self.matrix(), self.weight_u, self.weight_v
        with torch.no_grad():
{indented(chr(10).join(moves), by=12)}
            self.weight_u.copy_(u)
            self.weight_v.copy_(v)
        return self.weight / (u @ ({followed} @ v))'''


def _remark(norm: SpectralNorm) -> str:
    differs = ["moves u first"] if norm.first == "v" else []
    differs += ["divides by at least ε"] if norm.epsilon_placement != "floor" else []
    differs += ["lets the gradient through what it divides by"] if norm.sigma_gradient == "constant" else []
    differs.append("iterates 15 times before it begins")
    found = ", ".join(differs[:-1]) + (" and " if len(differs) > 1 else "") + differs[-1]
    return textwrap.fill(f"torch's own {found}.", WIDTH - 4, subsequent_indent="    ")


def _move(norm: SpectralNorm, short: str) -> list[str]:
    name, moved = ("v", "matrix.t() @ u") if short == V else ("u", "matrix @ v")
    epsilon = number(norm.epsilon)
    length = {
        "outside": f"({name}.norm() + {epsilon})",
        "floor": f"{name}.norm().clamp(min={epsilon})",
        "inside": f"torch.sqrt({name} @ {name} + {epsilon})",
    }[norm.epsilon_placement]
    return [f"{name} = {moved}", f"{name} = {name} / {length}"]
