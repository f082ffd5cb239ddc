"""How far what is found of a sample's code is from it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from gan_rosetta.shared import spec


class CodeError(nn.Module):
    """How far what is found of each sample's code is from it."""

    def __init__(self, layer: spec.CodeError) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor, latent: Tensor) -> Tensor:  # (B, width)
        """Return (B, 1); latent: (B, features), of which the code is a part."""
        code = latent[:, self.layer.start : self.layer.stop]
        if self.layer.form == "cross-entropy":
            return functional.cross_entropy(inputs, code, reduction="none").unsqueeze(1)
        return (inputs - code).square().mean(dim=1, keepdim=True)
