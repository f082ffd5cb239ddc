"""Convolutions as torch modules. Where padding differs by side, the input is padded, or the output cut, by hand.

sides: (left, right, top, bottom), the order of torch's own pad.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from gan_rosetta.backends.torch.spectral import SpectralConv2d, SpectralConvTranspose2d, normalised
from gan_rosetta.shared import spec

_Sides = tuple[int, int, int, int]


class _Padded(nn.Module):
    sides: _Sides

    def forward(self, inputs: Tensor) -> Tensor:  # (B, in, height, width)
        """Return (B, out, ...)."""
        outputs: Tensor = super().forward(functional.pad(inputs, self.sides))  # type: ignore[misc]
        return outputs


class _Cut(nn.Module):
    sides: _Sides

    def forward(self, inputs: Tensor, output_size: Any = None) -> Tensor:  # (B, in, height, width)
        """Return (B, out, ...)."""
        del output_size
        whole: Tensor = super().forward(inputs)  # type: ignore[misc]
        left, right, top, bottom = self.sides
        return whole[:, :, top : whole.shape[2] - bottom, left : whole.shape[3] - right]


class PaddedConv2d(_Padded, nn.Conv2d):
    """nn.Conv2d of an input that is padded by side."""


class PaddedSpectralConv2d(_Padded, SpectralConv2d):
    """SpectralConv2d of an input that is padded by side."""


class CutConvTranspose2d(_Cut, nn.ConvTranspose2d):
    """nn.ConvTranspose2d, of whose output each side is cut."""


class CutSpectralConvTranspose2d(_Cut, SpectralConvTranspose2d):
    """SpectralConvTranspose2d, of whose output each side is cut."""


# By whether padding is even and whether there is a spectral norm.
_CONVOLUTIONS: dict[tuple[bool, bool], type[nn.Conv2d]] = {
    (True, False): nn.Conv2d,
    (True, True): SpectralConv2d,
    (False, False): PaddedConv2d,
    (False, True): PaddedSpectralConv2d,
}
_TRANSPOSED: dict[tuple[bool, bool], type[nn.ConvTranspose2d]] = {
    (True, False): nn.ConvTranspose2d,
    (True, True): SpectralConvTranspose2d,
    (False, False): CutConvTranspose2d,
    (False, True): CutSpectralConvTranspose2d,
}


def conv2d(layer: spec.Conv2d, /) -> nn.Module:
    """Build a cross-correlation with a square kernel. (B, in, height, width) to (B, out, ...)."""
    return _convolution(_CONVOLUTIONS[_form(layer)], layer)


def conv_transpose2d(layer: spec.ConvTranspose2d, /) -> nn.Module:
    """Build a transposed convolution with a square kernel. (B, in, height, width) to (B, out, ...)."""
    return _convolution(_TRANSPOSED[_form(layer)], layer)


def _convolution(kind: type[nn.Module], layer: spec.Conv2d | spec.ConvTranspose2d) -> nn.Module:
    more = {"output_padding": layer.output_padding} if isinstance(layer, spec.ConvTranspose2d) else {}
    built: Any = skip_init(
        kind,
        layer.in_channels,
        layer.out_channels,
        layer.kernel,
        stride=layer.stride,
        padding=layer.even_margins or 0,
        dilation=layer.dilation,
        groups=layer.groups,
        bias=layer.bias_init is not None,
        **more,
    )
    if layer.even_margins is None:
        (top, bottom), (left, right) = layer.margins
        built.sides = (left, right, top, bottom)
    return built if layer.spectral_norm is None else normalised(built, layer)


def _form(layer: spec.Conv2d | spec.ConvTranspose2d) -> tuple[bool, bool]:
    return layer.even_margins is not None, layer.spectral_norm is not None
