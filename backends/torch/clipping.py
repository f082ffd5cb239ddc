"""Gradients held to a bound before an update: torch's own functions, with the ε that the spec says."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_rosetta.shared import spec


def clipped(clipping: spec.GradientClipping | None, gradients: Sequence[Tensor], /) -> Sequence[Tensor]:
    """Return gradients held to a bound, in the same order; None leaves them."""
    if clipping is None:
        return gradients
    if clipping.by == "value":
        return [gradient.clamp(-clipping.bound, clipping.bound) for gradient in gradients]
    norms = [torch.linalg.vector_norm(gradient) for gradient in gradients]
    if clipping.by == "global_norm":
        norms = [torch.linalg.vector_norm(torch.stack(norms))] * len(norms)
    scales = [(clipping.bound / (norm + clipping.epsilon)).clamp(max=1.0) for norm in norms]
    return [gradient * scale for gradient, scale in zip(gradients, scales, strict=True)]
