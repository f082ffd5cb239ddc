"""Layers that are fed classes and say how far samples are from them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gan_rosetta.shared import spec


class ClassCrossEntropy(nn.Module):
    """-log softmax of each sample's class."""

    def __init__(self, layer: spec.ClassCrossEntropy) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor, classes: Tensor) -> Tensor:  # (B, logits)
        """Return (B, 1); classes: (B,) whole numbers."""
        return functional.cross_entropy(inputs, self.layer.logit_of(classes.long()), reduction="none").unsqueeze(1)


class ClassContrast(nn.Module):
    """How near each sample is to its class, beside how near it is to the batch's others."""

    def __init__(self, layer: spec.ClassContrast) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor, classes: Tensor) -> Tensor:  # (B, 2 · features)
        """Return (B, 1); classes: (B,) whole numbers."""
        temperature, margin = self.layer.temperature, self.layer.margin
        units, proxies = (self._divided(part) for part in inputs.chunk(2, dim=1))
        near, own = units @ units.T, (units * proxies).sum(dim=1, keepdim=True)
        same = classes[:, None] == classes
        itself = torch.eye(len(inputs), dtype=torch.bool, device=inputs.device)
        if margin is None:
            powers, own_power = torch.exp(near / temperature).masked_fill(itself, 0), torch.exp(own / temperature)
            total = own_power + powers.sum(dim=1, keepdim=True)
            kept = own_power + powers.masked_fill(~same, 0).sum(dim=1, keepdim=True)
            return torch.log(total) - torch.log(kept)
        shifted, pull = (near + (margin - 1)) / temperature, torch.relu((margin - own) / temperature)
        largest = shifted.detach().masked_fill(itself, -torch.inf).amax(dim=1, keepdim=True)
        powers = torch.exp((torch.relu(shifted) - largest).masked_fill(same, -torch.inf))
        return pull + torch.log(torch.exp(-pull) + powers.sum(dim=1, keepdim=True))

    def _divided(self, vectors: Tensor) -> Tensor:
        return vectors / vectors.square().sum(dim=1, keepdim=True).clamp(min=self.layer.epsilon**2).sqrt()
