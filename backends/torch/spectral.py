"""Layers whose weight is under a spectral norm; torch's own differ in the order of u and v, and in where they are kept.

u and v of a pass are tensors of its own, and the buffers copies: overwritten in place between D's two passes, they
would be those of the last pass to both passes' gradients.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.spectral import U, V


class _Spectral(nn.Module):
    """What the layers below have in common; `normalised` gives them their norm and its buffers."""

    weight: Tensor
    weight_u: Tensor
    weight_v: Tensor
    norm: spec.SpectralNorm
    transposed: bool

    def normalised_weight(self) -> Tensor:
        """Return W / σ, with u and v moved first, and in training mode kept. Miyato et al. 2018, Algorithm 1."""
        rows = self.weight.transpose(0, 1) if self.transposed else self.weight
        matrix = rows.flatten(1)
        constant = matrix.detach()
        vectors = {U: self.weight_u, V: self.weight_v}
        with torch.no_grad():
            for short in self.norm.updates:
                moved = torch.mv(constant.t(), vectors[U]) if short == V else torch.mv(constant, vectors[V])
                vectors[short] = moved / _length(self.norm, moved)
            if self.training:
                self.weight_u.copy_(vectors[U])
                self.weight_v.copy_(vectors[V])
        followed = matrix if self.norm.sigma_gradient == "followed" else constant
        return self.weight / torch.dot(vectors[U], torch.mv(followed, vectors[V]))


class SpectralLinear(_Spectral, nn.Linear):
    """nn.Linear of a normalised weight."""

    def forward(self, inputs: Tensor) -> Tensor:  # (B, in_features)
        """Return (B, out_features)."""
        return functional.linear(inputs, self.normalised_weight(), self.bias)


class SpectralConv2d(_Spectral, nn.Conv2d):
    """nn.Conv2d of a normalised weight."""

    def forward(self, inputs: Tensor) -> Tensor:  # (B, in, height, width)
        """Return (B, out, ...)."""
        window = (self.stride, self.padding, self.dilation, self.groups)
        return functional.conv2d(inputs, self.normalised_weight(), self.bias, *window)


class SpectralConvTranspose2d(_Spectral, nn.ConvTranspose2d):
    """nn.ConvTranspose2d of a normalised weight."""

    def forward(self, inputs: Tensor, output_size: Any = None) -> Tensor:  # (B, in, height, width)
        """Return (B, out, ...)."""
        del output_size
        window: Any = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return functional.conv_transpose2d(inputs, self.normalised_weight(), self.bias, *window)


class SpectralEmbedding(_Spectral):
    """A table of rows, of which a normalised one is taken from."""


_Module = TypeVar("_Module", bound=nn.Module)


def normalised(
    module: _Module, layer: spec.Linear | spec.Conv2d | spec.ConvTranspose2d | spec.ClassEmbedding, /
) -> _Module:
    """Give a layer above the norm that its spec has."""
    module.norm = layer.spectral_norm
    module.transposed = isinstance(layer, spec.ConvTranspose2d)
    for short, buffer in layer.buffers().items():
        module.register_buffer(short, torch.zeros(buffer.shape))
    return module


def _length(norm: spec.SpectralNorm, vector: Tensor) -> Tensor:
    if norm.epsilon_placement == "inside":
        return torch.sqrt(torch.dot(vector, vector) + norm.epsilon)
    length = torch.linalg.vector_norm(vector)
    return length + norm.epsilon if norm.epsilon_placement == "outside" else length.clamp(min=norm.epsilon)
