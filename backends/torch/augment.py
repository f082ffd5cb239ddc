"""Augmentation of images by numbers that are fed, as DiffAugment has it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_rosetta.shared import spec


class Augment(nn.Module):
    """Changes each image by what is drawn for it, as DiffAugment does."""

    def __init__(self, layer: spec.Augment) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, images: Tensor, drawn: Tensor | None = None) -> Tensor:  # (B, channels, height, width)
        """Return the same shape; drawn: (B, 3) or (B, 2), without which images are left as they are."""
        if drawn is None:
            return images
        if self.layer.policy == "colour":
            moved, saturation, contrast = (drawn[:, k].reshape(-1, 1, 1, 1) for k in range(3))
            images = images + moved
            mean = images.mean(dim=1, keepdim=True)
            images = (images - mean) * saturation + mean
            mean = images.mean(dim=(1, 2, 3), keepdim=True)
            return (images - mean) * contrast + mean
        rows, columns = drawn.long().unbind(dim=1)
        if self.layer.policy == "translation":
            return self._shifted(self._shifted(images, rows, dim=2), columns, dim=3)
        inside = (
            self._inside(images, rows, dim=2)[:, None, :, None] & self._inside(images, columns, dim=3)[:, None, None]
        )
        return images * torch.logical_not(inside).to(images.dtype)

    @staticmethod
    def _shifted(images: Tensor, moves: Tensor, *, dim: int) -> Tensor:
        size = images.shape[dim]
        places = torch.arange(size, device=images.device) + moves[:, None]
        shape = (-1, 1, size, 1) if dim == 2 else (-1, 1, 1, size)
        inside = ((places >= 0) & (places < size)).reshape(shape)
        index = places.clamp(0, size - 1).reshape(shape).expand_as(images)
        return images.gather(dim, index) * inside.to(images.dtype)

    def _inside(self, images: Tensor, middles: Tensor, *, dim: int) -> Tensor:
        """Return which rows or columns of each image are in its window, (B, size)."""
        size = images.shape[dim]
        width = self.layer.reach(size)
        starts = middles[:, None] - width // 2
        places = torch.arange(size, device=images.device)
        return (places >= starts) & (places < starts + width)
