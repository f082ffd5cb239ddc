"""Rows of a table for the classes that are fed, joined to samples or alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gan_rosetta.backends.torch.spectral import SpectralEmbedding
from gan_rosetta.shared import spec


class ClassEmbedding(nn.Module):
    """Joins each sample to the row of its class, which is what nn.Embedding gives, or gives that row."""

    def __init__(self, layer: spec.ClassEmbedding) -> None:
        super().__init__()
        self.layer = layer
        self.weight = nn.Parameter(torch.empty(layer.table))

    def forward(self, inputs: Tensor, classes: Tensor) -> Tensor:  # (B, features)
        """Return (B, features + width), or (B, width); classes: (B,) whole numbers."""
        table = self.used_weight()
        if self.layer.rows_per_class > 1:
            table = table.reshape(self.layer.num_classes, self.layer.width)
        rows = functional.embedding(classes.long(), table)
        if self.layer.joined == "alone":
            return rows
        return torch.cat([rows, inputs] if self.layer.joined == "before" else [inputs, rows], dim=1)

    def used_weight(self) -> Tensor:
        """Return the weight whose rows are taken."""
        return self.weight


class SpectralClassEmbedding(SpectralEmbedding, ClassEmbedding):
    """The same of a normalised weight."""

    def used_weight(self) -> Tensor:
        """Return W / σ."""
        return self.normalised_weight()
