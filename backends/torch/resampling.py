"""Images made larger, smaller, or one number a channel."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from gan_rosetta.shared import spec


class GlobalPool(nn.Module):
    """The mean, the sum or the largest of each channel; `amax` would share its gradient among equals."""

    def __init__(self, layer: spec.GlobalPool) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor) -> Tensor:  # (B, channels, height, width)
        """Return (B, channels)."""
        if self.layer.mode == "average":
            return inputs.mean(dim=(2, 3))
        if self.layer.mode == "sum":
            return inputs.sum(dim=(2, 3))
        return functional.max_pool2d(inputs, inputs.shape[2:]).flatten(1)


class PixelShuffle(nn.Module):
    """Larger images of fewer channels, whose pixels come first among the channels; nn.PixelShuffle has them last."""

    def __init__(self, layer: spec.PixelShuffle) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor) -> Tensor:  # (B, factor² · channels, height, width)
        """Return (B, channels, height · factor, width · factor)."""
        factor = self.layer.factor
        parts = inputs.unflatten(1, (factor, factor, -1)).permute(0, 3, 4, 1, 5, 2)
        return parts.flatten(4).flatten(2, 3)
