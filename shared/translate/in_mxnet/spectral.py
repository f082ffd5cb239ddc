"""Layers in MXNet whose weight is under a spectral norm, of which Gluon has none."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec, Layer, SpectralNorm
from gan_rosetta.shared.spec.spectral import V
from gan_rosetta.shared.translate.parts import Part, spectral_forms
from gan_rosetta.shared.translate.writing import indented, number

_KINDS: dict[type, str] = {
    spec.Linear: "Dense",
    spec.Conv2d: "Conv2D",
    spec.ConvTranspose2d: "Conv2DTranspose",
    spec.ClassEmbedding: "Embedding",
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
        classes += [
            f"class Spectral{suffix}{name}(SpectralNorm{suffix}, nn.{name}):\n"
            f'    """nn.{name} of a weight divided by its largest singular value."""'
            for kind, name in _KINDS.items()
            if kind in own
        ]
    return classes


def _norm_class(norm: SpectralNorm, suffix: str, *, transposes: bool) -> str:
    rows = ["rows = weight.swapaxes(0, 1) if isinstance(self, nn.Conv2DTranspose) else weight"]
    rows = (
        [*rows, "return rows.reshape((len(rows), -1))"] if transposes else ["return weight.reshape((len(weight), -1))"]
    )
    moves = [line for short in norm.updates[:2] for line in _move(norm, short)]
    if norm.num_iterations > 1:
        moves = [f"for _ in range({number(norm.num_iterations)}):", *(f"    {line}" for line in moves)]
    followed = "matrix" if norm.sigma_gradient == "followed" else "matrix.detach()"
    return f'''\
class SpectralNorm{suffix}(gluon.HybridBlock):
    """What layers share that divide their weight by its largest singular value (Miyato 2018)."""

    def __init__(self, *sizes: int, **settings: Any) -> None:
        super().__init__(*sizes, **settings)
        out, rest = self.matrix(np.zeros(self.weight.shape)).shape
        self.weight_u = self.params.get("weight_u", shape=(out,), grad_req="null")
        self.weight_v = self.params.get("weight_v", shape=(rest,), grad_req="null")

    def matrix(self, weight: Any) -> Any:
        """Return the weight, a row for each output."""
{indented(chr(10).join(rows), by=8)}

    def hybrid_forward(self, ops: Any, x: NDArray, weight: NDArray, **more: NDArray) -> NDArray:
        """Return what the layer does with its weight divided, after u and v have moved."""
        matrix, u, v = self.matrix(weight), more.pop("weight_u"), more.pop("weight_v")
        with autograd.pause():
{indented(chr(10).join(moves), by=12)}
            self.weight_u.set_data(u)
            self.weight_v.set_data(v)
        largest = mx.nd.sum(u * mx.nd.dot({followed}, v)).reshape((1,) * weight.ndim)
        return super().hybrid_forward(ops, x, mx.nd.broadcast_div(weight, largest), **more)'''


def _move(norm: SpectralNorm, short: str) -> list[str]:
    name, moved = ("v", "mx.nd.dot(matrix, u, transpose_a=True)") if short == V else ("u", "mx.nd.dot(matrix, v)")
    epsilon = number(norm.epsilon)
    length = {
        "outside": f"mx.nd.sqrt(({name} * {name}).sum()) + {epsilon}",
        "floor": f"mx.nd.maximum(mx.nd.sqrt(({name} * {name}).sum()), {epsilon})",
        "inside": f"mx.nd.sqrt(({name} * {name}).sum() + {epsilon})",
    }[norm.epsilon_placement]
    return [f"{name} = {moved}", f"{name} = mx.nd.broadcast_div({name}, {length})"]
