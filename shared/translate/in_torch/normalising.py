"""Normalisations in PyTorch, by a batch or by each sample: torch's own where they compute what the spec says."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.layers import Writer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def batch_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a batch normalisation, torch's own where it normalises by the batch and keeps the unbiased variance."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"eps={number(layer.epsilon)}", f"momentum={number(layer.momentum)}"]
    settings += [] if layer.affine else ["affine=False"]
    if _is_own(layer):
        kind = "nn.BatchNorm1d(" if len(placed.input_shape) == 1 else "nn.BatchNorm2d("
        return Part(made=(kind, settings), applied=f"self.{name}({{x}})", joins=True)
    more = [
        f"correction={1 if layer.running_variance == 'unbiased' else 0}",
        f"by_running={layer.statistics == 'running'}",
    ]
    return Part(
        made=("BatchNorm(", [*settings, *more]), applied=f"self.{name}({{x}})", joins=True, needs=("batch_norm",)
    )


def group_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a normalisation of each sample by itself."""
    layer: Any = placed.layer
    settings = [number(layer.num_groups), number(layer.num_features), f"eps={number(layer.epsilon)}"]
    settings += [] if layer.affine else ["affine=False"]
    return Part(made=("nn.GroupNorm(", settings), applied=f"self.{name}({{x}})", joins=True)


def _is_own(layer: spec.BatchNorm, /) -> bool:
    """Whether torch's own normalises by the batch and keeps the unbiased variance."""
    return layer.statistics == "batch" and layer.running_variance == "unbiased"


LAYERS: dict[type, Writer] = {
    spec.BatchNorm: batch_norm,
    spec.GroupNorm: group_norm,
}

FUNCTIONS: dict[str, str] = {
    "batch_norm": '''\
class BatchNorm(nn.Module):
    """Batch normalisation that keeps another running variance, or uses it, than nn.BatchNorm2d."""

    def __init__(
        self,
        num_features: int,
        *,
        eps: float,
        momentum: float,
        affine: bool = True,
        correction: int,
        by_running: bool,
    ) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.correction, self.by_running = correction, by_running
        self.weight = nn.Parameter(torch.ones(num_features)) if affine else None
        self.bias = nn.Parameter(torch.zeros(num_features)) if affine else None
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise, and move the running averages."""
        axes = [axis for axis in range(x.dim()) if axis != 1]
        variance, mean = torch.var_mean(x.detach(), dim=axes, correction=self.correction)
        # Copies: the averages move in place, and backward() still needs what was normalised with.
        averages = self.running_mean.clone(), self.running_var.clone()
        used = averages if self.by_running else (None, None)
        y = functional.batch_norm(
            x, *used, self.weight, self.bias, training=not self.by_running, eps=self.eps
        )
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        return y''',
}
