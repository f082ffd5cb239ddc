"""A program from outside in PyTorch: what it is fed, its networks and its optimizers, seen by hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import parametrize

from gan_rosetta.backends.torch.device import check_device
from gan_rosetta.backends.torch.rounding import RandomRounding
from gan_rosetta.shared.interface import PassObserver, ProgramSlots, ProgramTensor
from gan_rosetta.shared.state.layouts import TORCH_SLOTS

_KINDS: dict[type[nn.Module], str] = {
    nn.Linear: "linear",
    nn.Conv2d: "conv",
    nn.ConvTranspose2d: "conv_transpose",
    _BatchNorm: "batch_norm",
    nn.GroupNorm: "group_norm",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    nn.Softplus: "softplus",
    nn.ReLU: "relu",
    nn.LeakyReLU: "leaky_relu",
    nn.PReLU: "prelu",
    nn.ELU: "elu",
    nn.SELU: "selu",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
    nn.AvgPool2d: "pool",
    nn.MaxPool2d: "pool",
    nn.PixelShuffle: "pixel_shuffle",
    nn.Flatten: "reshape",
    nn.Unflatten: "reshape",
}


def to_tensor(array: np.ndarray, /, *, device: str) -> Tensor:
    """Return a copy of an array as a tensor of its type on "cpu" or "cuda"; raises UsageError."""
    check_device(device)
    return torch.tensor(array, device=device)


def is_network(found: Any, /) -> bool:
    """Whether something is a torch module."""
    return isinstance(found, nn.Module)


def keeps_its_state(network: nn.Module, /) -> bool:
    """A module has its parameters as they are now."""
    del network
    return True


def layout(network: Any, /) -> str:
    """Return torch's layout, which is the canonical one."""
    del network
    return "canonical"


def is_ordered(network: nn.Module, /) -> bool:
    """Modules come in the order in which they were made, which is that of the layers unless somebody tried."""
    del network
    return True


def tensors(network: nn.Module, /) -> list[ProgramTensor]:
    """Return a module's parameters and buffers, those of a module together."""
    return [
        ProgramTensor(
            name=name, kind=_kind(module), shape=tuple(tensor.shape), read=_reader(tensor), write=_writer(tensor)
        )
        for name, module, tensor in _named(network)
    ]


def call(network: nn.Module, inputs: np.ndarray, /, *classes: np.ndarray) -> np.ndarray:
    """Return the output of a pass in training mode; modes and buffers stay as they were. classes: (B,), if any."""
    first = next(iter(network.parameters()))
    modes = [(module, module.training) for module in network.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
    network.train()
    try:
        with torch.no_grad():
            of_classes = (torch.tensor(each, device=first.device) for each in classes)
            return _on_host(network(torch.tensor(inputs, dtype=first.dtype, device=first.device), *of_classes))
    finally:
        for module, mode in modes:
            module.training = mode
        for buffer, before in buffers:
            buffer.copy_(before)


def watch_network(network: nn.Module, observer: PassObserver, /) -> None:
    """Tell an observer of every forward pass, by hooks on the network and on each of its layers."""
    names = {module: name for name, module, _ in reversed(list(_named(network)))}
    for module in filter(parametrize.is_parametrized, network.modules()):
        names.setdefault(module, next(name for name, own, _ in _named(network) if own in set(module.modules())))

    def begin(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        del module
        observer.begin(_on_host(inputs[0]))

    def output(module: nn.Module, inputs: tuple[Any, ...], value: Any) -> None:
        del inputs
        if isinstance(value, Tensor):
            observer.output(names.get(module, ""), _kind(module) or "", _on_host(value))

    def end(module: nn.Module, inputs: tuple[Any, ...], value: Any) -> None:
        del module, inputs
        observer.end(_on_host(value) if isinstance(value, Tensor) else None)

    network.register_forward_pre_hook(begin)
    for module in _layers(network):
        module.register_forward_hook(output)
    network.register_forward_hook(end)


def watch_optimizer(
    optimizer: torch.optim.Optimizer, /, *, before: Callable[[], None], after: Callable[[], None]
) -> None:
    """Call functions before and after each `step`."""
    optimizer.register_step_pre_hook(lambda *_: before())
    optimizer.register_step_post_hook(lambda *_: after())


def gradients(network: nn.Module, optimizer: torch.optim.Optimizer, /) -> dict[str, np.ndarray]:
    """Return the gradients of the parameters that an optimizer moves; of one without a gradient nothing."""
    own = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    return {
        name: _on_host(tensor.grad)
        for name, _, tensor in _named(network)
        if id(tensor) in own and tensor.grad is not None
    }


def slots(network: nn.Module, optimizer: torch.optim.Optimizer, /) -> ProgramSlots:
    """Return an optimizer's moments, and its counter where it keeps one."""
    found: dict[tuple[str, str], np.ndarray] = {}
    counter = None
    for name, _, tensor in _named(network):
        state = optimizer.state.get(tensor, {})
        found |= {(name, slot): _on_host(state[own]) for slot, own in TORCH_SLOTS.items() if own in state}
        counter = int(state["step"]) if "step" in state else counter
    return ProgramSlots(slots=found, counter=counter)


def round_operations(*, seed: int, coarseness: float, least_epsilon: float) -> RandomRounding:
    """Round the result of every operation of this thread at random until what is returned is left."""
    mode = RandomRounding(seed=seed, coarseness=coarseness, least_epsilon=least_epsilon)
    mode.__enter__()
    return mode


def _named(network: nn.Module) -> Iterator[tuple[str, nn.Module, Tensor]]:
    for path, module in network.named_modules():
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in own:
            yield (f"{path}.{name}" if path else name), module, tensor


def _layers(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules without modules of their own, but for what makes weights, such as spectral norms."""
    makers = {
        maker
        for module in filter(parametrize.is_parametrized, network.modules())
        for maker in module.parametrizations.modules()  # type: ignore[union-attr]
    }
    for module in network.modules():
        if module not in makers and (parametrize.is_parametrized(module) or next(module.children(), None) is None):
            yield module


def _kind(module: nn.Module) -> str | None:
    return next((kind for type_, kind in _KINDS.items() if isinstance(module, type_)), None)


def _reader(tensor: Tensor) -> Callable[[], np.ndarray]:
    return lambda: _on_host(tensor)


def _writer(tensor: Tensor) -> Callable[[np.ndarray], None]:
    def write(array: np.ndarray) -> None:
        with torch.no_grad():
            tensor.copy_(torch.tensor(array))

    return write


def _on_host(tensor: Tensor) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy(), order="C")
