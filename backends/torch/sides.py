"""Convolutions whose padding differs by side, which torch has none of: its input is padded, or its output cut, by hand.

sides: (left, right, top, bottom), the order of torch's own pad.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from gan_rosetta.backends.torch.spectral import SpectralConv2d, SpectralConvTranspose2d

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
CONVOLUTIONS: dict[tuple[bool, bool], type[nn.Conv2d]] = {
    (True, False): nn.Conv2d,
    (True, True): SpectralConv2d,
    (False, False): PaddedConv2d,
    (False, True): PaddedSpectralConv2d,
}
TRANSPOSED: dict[tuple[bool, bool], type[nn.ConvTranspose2d]] = {
    (True, False): nn.ConvTranspose2d,
    (True, True): SpectralConvTranspose2d,
    (False, False): CutConvTranspose2d,
    (False, True): CutSpectralConvTranspose2d,
}
