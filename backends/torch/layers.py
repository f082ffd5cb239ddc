"""The layers as torch modules. torch's layouts are the canonical ones, so nothing is converted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import skip_init

from gan_rosetta.backends.torch.activations import (
    elu,
    gelu,
    leaky_relu,
    prelu,
    relu,
    selu,
    sigmoid,
    silu,
    softplus,
    tanh,
)
from gan_rosetta.backends.torch.augment import Augment
from gan_rosetta.backends.torch.branches import Join
from gan_rosetta.backends.torch.classifying import ClassContrast, ClassCrossEntropy
from gan_rosetta.backends.torch.codes import CodeError
from gan_rosetta.backends.torch.convolution import conv2d, conv_transpose2d
from gan_rosetta.backends.torch.embedding import ClassEmbedding, SpectralClassEmbedding
from gan_rosetta.backends.torch.pull_away import PullAway
from gan_rosetta.backends.torch.resampling import GlobalPool, PixelShuffle
from gan_rosetta.backends.torch.spectral import SpectralLinear, normalised
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer


def linear(layer: spec.Linear, /) -> nn.Module:
    """Build y = x Wᵀ + b. (B, in_features) to (B, out_features)."""
    bias = layer.bias_init is not None
    if layer.spectral_norm is not None:
        return normalised(skip_init(SpectralLinear, layer.in_features, layer.out_features, bias=bias), layer)
    return skip_init(nn.Linear, layer.in_features, layer.out_features, bias=bias)


def batch_norm(layer: spec.BatchNorm, /) -> nn.Module:
    """Build a batch normalisation over all axes but the channels. (B, features) or (B, channels, height, width)."""
    return BatchNorm(layer)


def group_norm(layer: spec.GroupNorm, /) -> nn.Module:
    """Build a normalisation of each sample by itself. (B, features) or (B, channels, height, width)."""
    return nn.GroupNorm(layer.num_groups, layer.num_features, eps=layer.epsilon, affine=layer.affine)


def minibatch_discrimination(layer: spec.MinibatchDiscrimination, /) -> nn.Module:
    """Build minibatch discrimination. (B, in_features) to (B, in_features + num_kernels)."""
    return skip_init(MinibatchDiscrimination, layer)


def dropout(layer: spec.Dropout, /) -> nn.Module:
    """Build a dropout by masks that are fed. (B, ...)."""
    return Dropout(layer)


def augment(layer: spec.Augment, /) -> nn.Module:
    """Build an augmentation by numbers that are fed. (B, channels, height, width)."""
    return Augment(layer)


def class_embedding(layer: spec.ClassEmbedding, /) -> nn.Module:
    """Build an embedding of classes that are fed. (B, features) to (B, features + num_features), or a row."""
    return ClassEmbedding(layer) if layer.spectral_norm is None else normalised(SpectralClassEmbedding(layer), layer)


def upsample(layer: spec.Upsample, /) -> nn.Module:
    """Build an upsampling. (B, channels, height, width) to (B, channels, height · factor, width · factor)."""
    if layer.mode == "nearest":
        return nn.Upsample(scale_factor=layer.factor, mode="nearest")
    return nn.Upsample(scale_factor=layer.factor, mode="bilinear", align_corners=False)


def pool2d(layer: spec.Pool2d, /) -> nn.Module:
    """Build the means or the largest of windows. (B, channels, height, width) to (B, channels, ...)."""
    return (nn.AvgPool2d if layer.mode == "average" else nn.MaxPool2d)(layer.kernel_size, layer.stride)


def global_pool(layer: spec.GlobalPool, /) -> nn.Module:
    """Build the mean, the sum or the largest of each channel. (B, channels, height, width) to (B, channels)."""
    return GlobalPool(layer)


def pixel_shuffle(layer: spec.PixelShuffle, /) -> nn.Module:
    """Build larger images of fewer channels. (B, channels · factor², ...) to (B, channels, ...)."""
    return nn.PixelShuffle(layer.factor) if layer.order == "channel" else PixelShuffle(layer)


def reshape(layer: spec.Reshape, /) -> nn.Module:
    """Build a row-major reshape of each sample."""
    return Reshape(layer)


def recall(layer: spec.Recall, /) -> nn.Module:
    """Build what takes up features of an earlier layer again. (B, features) to (B, ...)."""
    return Recall(layer)


def softmax(layer: spec.Softmax, /) -> nn.Module:
    """Build exp(x) / Σ exp(x) along an axis. (B, ...)."""
    return nn.Softmax(dim=layer.axis + 1)


def class_cross_entropy(layer: spec.ClassCrossEntropy, /) -> nn.Module:
    """Build -log softmax of the classes that are fed. (B, logits) to (B, 1)."""
    return ClassCrossEntropy(layer)


def class_contrast(layer: spec.ClassContrast, /) -> nn.Module:
    """Build a contrast with the batch's other samples. (B, 2 · features) to (B, 1)."""
    return ClassContrast(layer)


def pull_away(layer: spec.PullAway, /) -> nn.Module:
    """Build how alike samples are. (B, features) to (B, 1)."""
    del layer
    return PullAway()


def code_error(layer: spec.CodeError, /) -> nn.Module:
    """Build how far a batch is from the codes that are fed. (B, width) to (B, 1)."""
    return CodeError(layer)


def scale(layer: spec.Scale, /) -> nn.Module:
    """Build γ · x. (B, ...)."""
    del layer
    return Scale()


def branches(layer: spec.Branches, /) -> nn.Module:
    """Build what joins the ends of branches."""
    return Join(layer)


LAYERS: dict[type, Callable[..., nn.Module]] = {
    spec.Linear: linear,
    spec.Conv2d: conv2d,
    spec.ConvTranspose2d: conv_transpose2d,
    spec.BatchNorm: batch_norm,
    spec.GroupNorm: group_norm,
    spec.MinibatchDiscrimination: minibatch_discrimination,
    spec.Tanh: tanh,
    spec.Sigmoid: sigmoid,
    spec.Softplus: softplus,
    spec.ReLU: relu,
    spec.LeakyReLU: leaky_relu,
    spec.PReLU: prelu,
    spec.ELU: elu,
    spec.SELU: selu,
    spec.GELU: gelu,
    spec.SiLU: silu,
    spec.Reshape: reshape,
    spec.Recall: recall,
    spec.Dropout: dropout,
    spec.Augment: augment,
    spec.ClassEmbedding: class_embedding,
    spec.Upsample: upsample,
    spec.Pool2d: pool2d,
    spec.GlobalPool: global_pool,
    spec.PixelShuffle: pixel_shuffle,
    spec.Softmax: softmax,
    spec.ClassCrossEntropy: class_cross_entropy,
    spec.ClassContrast: class_contrast,
    spec.PullAway: pull_away,
    spec.CodeError: code_error,
    spec.Scale: scale,
    spec.Branches: branches,
}
# Under what name a block has what joins its branches, which no branch can be named.
_JOIN = "join_"
NOTHING_FED: Mapping[str, Tensor] = MappingProxyType({})


class Network(nn.Module):
    """Modules by the names of the placed layers, some of which a pass is fed something for beside its inputs.

    Those inside of branches stand in containers: `block1.main.conv1` is a module of that path.
    """

    def __init__(self, network: spec.Network, layers: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self._steps = [(placed.name, layers[placed.name], placed.sources) for placed in network.placed]
        for name, module in layers.items():
            *path, own = name.split(".")
            container: nn.Module = self
            for step in path:
                if step not in container._modules:
                    container.add_module(step, nn.Module())
                container = container.get_submodule(step)
            # A block's name is that of its branches' container, so that what joins them is in there, without a tensor.
            if own in container._modules:
                container, own = container.get_submodule(own), _JOIN
            container.add_module(own, module)

    def forward(self, inputs: Tensor, fed: Mapping[str, Tensor] = NOTHING_FED) -> Tensor:  # (B, ...)
        """Return the output; fed: by the names of the modules that take it."""
        outputs = {spec.NETWORK_INPUT: inputs}
        for place, (name, module, sources) in enumerate(self._steps):
            given = [outputs[source] for source in sources]
            if name in fed:
                given.append(fed[name])
            last = outputs[place] = module(*given)
        return last

    def named_layers(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield each layer's name and module, in order of execution."""
        for name, module, _ in self._steps:
            yield name, module


def build_network(network: spec.Network, /, *, device: str, dtype: torch.dtype) -> Network:
    """Build a network whose modules have the placed layers' names, all its tensors 0; raises UnsupportedLayer."""
    modules: dict[str, nn.Module] = {}
    for placed in network.placed:
        if type(placed.layer) not in LAYERS:
            raise UnsupportedLayer(
                f"torch has no layer for {type(placed.layer).__name__}; add it to LAYERS in layers.py"
            )
        modules[placed.name] = LAYERS[type(placed.layer)](placed.layer)
    built = Network(network, modules).to(device=device, dtype=dtype)
    for tensor in built.state_dict().values():
        tensor.zero_()
    return built


class BatchNorm(nn.Module):
    """Batch normalisation as the spec has it; its eval mode differs from torch's.

    In eval mode the buffers stay as they are, but the statistics are still those of training. Ioffe and Szegedy 2015.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, layer: spec.BatchNorm) -> None:
        super().__init__()
        self.layer = layer
        self.num_passes = 1  # that a forward pass stands for: the buffers move once for each
        self.weight = nn.Parameter(torch.zeros(layer.num_features)) if layer.affine else None
        self.bias = nn.Parameter(torch.zeros(layer.num_features)) if layer.affine else None
        self.register_buffer("running_mean", torch.zeros(layer.num_features))
        self.register_buffer("running_var", torch.zeros(layer.num_features))

    def forward(self, inputs: Tensor) -> Tensor:  # (B, features, ...)
        """Normalise; in training mode the buffers move."""
        if self.layer.statistics == "running":
            # Copies, since the buffers move in place while the graph still holds what it normalised with.
            outputs = self._normalise(inputs, self.running_mean.clone(), self.running_var.clone(), batch=False)
        elif self.training and self.layer.running_variance == "unbiased":
            return self._normalise(inputs, self.running_mean, self.running_var, batch=True)
        else:
            outputs = self._normalise(inputs, None, None, batch=True)
        if self.training:
            self._move_buffers(inputs.detach())
        return outputs

    def _normalise(self, inputs: Tensor, mean: Tensor | None, variance: Tensor | None, *, batch: bool) -> Tensor:
        layer = self.layer
        momentum = 1 - (1 - layer.momentum) ** self.num_passes
        return functional.batch_norm(
            inputs, mean, variance, self.weight, self.bias, batch, momentum=momentum, eps=layer.epsilon
        )

    def _move_buffers(self, inputs: Tensor) -> None:
        axes = [axis for axis in range(inputs.dim()) if axis != 1]
        correction = 1 if self.layer.running_variance == "unbiased" else 0
        variance, mean = torch.var_mean(inputs, dim=axes, correction=correction)
        momentum = 1 - (1 - self.layer.momentum) ** self.num_passes
        self.running_mean.mul_(1 - momentum).add_(mean, alpha=momentum)
        self.running_var.mul_(1 - momentum).add_(variance, alpha=momentum)


class MinibatchDiscrimination(nn.Linear):
    """Appends to each sample how like it is to the others. Salimans et al. 2016, section 3.2."""

    def __init__(self, layer: spec.MinibatchDiscrimination, device: object = None, dtype: object = None) -> None:
        num_outputs = layer.num_kernels * layer.kernel_dims
        super().__init__(layer.in_features, num_outputs, bias=layer.bias_init is not None, device=device, dtype=dtype)
        self.layer = layer

    def forward(self, inputs: Tensor) -> Tensor:  # (B, in_features)
        """Return (B, in_features + num_kernels)."""
        rows = super().forward(inputs).reshape(len(inputs), self.layer.num_kernels, self.layer.kernel_dims)
        distances = (rows.unsqueeze(1) - rows.unsqueeze(0)).abs().sum(dim=3)  # (B, B, num_kernels)
        if self.layer.self_distance:
            distances = distances + torch.eye(len(inputs), dtype=rows.dtype, device=rows.device).unsqueeze(2)
        return torch.cat([inputs, torch.exp(-distances).sum(dim=1)], dim=1)


class Dropout(nn.Module):
    """Keeps what a mask says, times 1 / (1 - probability), as nn.Dropout does of masks that it draws."""

    def __init__(self, layer: spec.Dropout) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:  # (B, ...)
        """Return (B, ...); mask: 0 or 1, (B, ...) or (B, channels, 1, 1), without which nothing is dropped."""
        return inputs if mask is None else inputs * (mask * self.layer.scale)


class Scale(nn.Module):
    """γ · x, with one γ for all."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Tensor) -> Tensor:  # (B, ...)
        """Return (B, ...)."""
        return self.weight * inputs


class Reshape(nn.Module):
    """Gives each sample another shape."""

    def __init__(self, layer: spec.Reshape) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor) -> Tensor:  # (B, ...)
        """Return (B, *shape)."""
        return inputs.reshape(len(inputs), *self.layer.shape)


class Recall(nn.Module):
    """Parts of the features of an earlier layer, one behind the other."""

    def __init__(self, layer: spec.Recall) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, inputs: Tensor) -> Tensor:  # (B, features)
        """Return (B, ...)."""
        return torch.cat([inputs[:, start:stop] for start, stop in self.layer.parts], dim=1)
