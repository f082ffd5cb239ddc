"""What joins the ends of branches, attention among it."""

from __future__ import annotations

import math
from functools import reduce

import torch
from torch import Tensor, nn

from gan_rosetta.shared import spec


class Join(nn.Module):
    """The ends of branches added, multiplied, put one behind the other, or one with others as its gain and bias."""

    def __init__(self, layer: spec.Branches) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *ends: Tensor) -> Tensor:  # (B, ...) each
        """Return (B, ...)."""
        if self.layer.join == "concatenate":
            return torch.cat(ends, dim=1)
        if self.layer.join == "dot":
            return (ends[0] * ends[1]).sum(dim=1, keepdim=True)
        if self.layer.join in spec.ERRORS:
            apart = ends[0] - (ends[1].detach() if self.layer.join.endswith("held") else ends[1])
            terms = apart**2 if self.layer.join.startswith("squared") else apart.abs()
            return terms.flatten(1).mean(dim=1, keepdim=True)
        if self.layer.join in ("attend", "attend_scaled"):
            query, key, value = (end.flatten(2) for end in ends)  # (B, channels, places)
            scores = torch.bmm(query.transpose(1, 2), key)
            if self.layer.join == "attend_scaled":
                scores = scores / math.sqrt(query.shape[1])
            weights = torch.softmax(scores, dim=2)
            return torch.bmm(value, weights.transpose(1, 2)).unflatten(2, ends[0].shape[2:])
        if self.layer.join in ("affine", "modulate"):
            values, gain, bias = ends[0], *(end.reshape(*end.shape, *[1] * (ends[0].dim() - 2)) for end in ends[1:])
            return values * (1 + gain if self.layer.join == "modulate" else gain) + bias
        return reduce(torch.add if self.layer.join == "add" else torch.mul, ends)
