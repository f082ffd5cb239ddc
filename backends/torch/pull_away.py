"""How alike a batch's samples are."""

from __future__ import annotations

from torch import Tensor, nn


class PullAway(nn.Module):
    """How alike each sample is to the batch's others."""

    def forward(self, inputs: Tensor) -> Tensor:  # (B, features)
        """Return (B, 1)."""
        units = inputs / (inputs**2).sum(dim=1, keepdim=True).sqrt()
        return ((units @ units.T).sum(dim=1, keepdim=True) - 1) / (len(inputs) - 1)
