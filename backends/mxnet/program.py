"""A program from outside in Gluon: what it is fed, its blocks and its Trainers, seen by hooks.

Of a hybridized block only what goes in and comes out is seen: MXNet calls none of the blocks within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gan_rosetta.backends.mxnet.device import check_device, context
from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import PassObserver, ProgramSlots, ProgramTensor

_KINDS = {
    "Dense": "linear",
    "Conv2D": "conv",
    "Conv2DTranspose": "conv_transpose",
    "BatchNorm": "batch_norm",
    "GroupNorm": "group_norm",
    "LeakyReLU": "leaky_relu",
    "PReLU": "prelu",
    "ELU": "elu",
    "SELU": "selu",
    "GELU": "gelu",
    "AvgPool2D": "pool",
    "MaxPool2D": "pool",
    "Flatten": "reshape",
    "Reshape": "reshape",
}
_ACTIVATIONS = {"softrelu": "softplus"}
# The spec's slots in the order in which MXNet's optimizers keep theirs.
_SLOTS: dict[str, tuple[str, ...]] = {
    "Adam": ("m", "v"),
    "AdaDelta": ("square", "delta"),
    "RMSProp": ("square", "mean", "momentum"),
    "SGD": ("momentum",),
    "NAG": ("momentum",),
    "AdaGrad": ("sum",),
}


def to_tensor(array: np.ndarray, /, *, device: str) -> Any:
    """Return a copy of an array as an NDArray of its type on "cpu" or "cuda", of a number (1,); raises UsageError."""
    check_device(device)
    return _on_device(array.reshape(array.shape or (1,)), context(device))  # NDArrays have one axis at least.


def is_network(found: Any, /) -> bool:
    """Whether something is a Gluon block."""
    return isinstance(found, mx.gluon.Block)


def keeps_its_state(network: Any, /) -> bool:
    """A block has its parameters as they are now."""
    del network
    return True


def layout(network: Any, /) -> str:
    """Return MXNet's layout, which is the canonical one."""
    del network
    return "canonical"


def is_ordered(network: Any, /) -> bool:
    """Blocks come in the order in which they were made, which is that of the layers unless somebody tried."""
    del network
    return True


def tensors(network: Any, /) -> list[ProgramTensor]:
    """Return a block's parameters and buffers; raises UsageError where they are not made yet."""
    found = []
    for name, block, parameter in _named(network):
        if parameter._data is None:
            raise UsageError(
                f"{name} of the Gluon block {network.name!r} is not made yet; initialize the block, and call it on a "
                "batch once where it is to find its own shapes"
            )
        found.append(
            ProgramTensor(
                name=name,
                kind=_KINDS.get(_class_name(block)),
                shape=tuple(parameter.shape),
                read=_reader(parameter),
                write=_writer(parameter),
            )
        )
    return found


def call(network: Any, inputs: np.ndarray, /, *classes: np.ndarray) -> np.ndarray:
    """Return the output of a pass in training mode; buffers are as they were. classes: (B,), if any."""
    parameters = [parameter for _, _, parameter in _named(network)]
    before = [parameter.data().copy() for parameter in parameters]
    try:
        with mx.autograd.train_mode():
            batch = _on_device(inputs, before[0].context)
            of_classes = (_on_device(each, before[0].context) for each in classes)
            return np.array(network(batch, *of_classes).asnumpy(), order="C")
    finally:
        for parameter, value in zip(parameters, before, strict=True):
            parameter.set_data(value)


def watch_network(network: Any, observer: PassObserver, /) -> None:
    """Tell an observer of every forward pass, by hooks on the network and on each block without blocks of its own."""
    names = {id(block): name for name, block, _ in reversed(list(_named(network)))}

    def begin(block: Any, inputs: tuple[Any, ...]) -> None:
        del block
        if isinstance(inputs[0], mx.nd.NDArray):
            observer.begin(_on_host(inputs[0]))

    def output(block: Any, inputs: tuple[Any, ...], value: Any) -> None:
        del inputs
        if isinstance(value, mx.nd.NDArray):
            observer.output(names.get(id(block), ""), _kind(block), _on_host(value))

    def end(block: Any, inputs: tuple[Any, ...], value: Any) -> None:
        del block, inputs
        if not isinstance(value, mx.sym.Symbol):
            observer.end(_on_host(value) if isinstance(value, mx.nd.NDArray) else None)

    network.register_forward_pre_hook(begin)
    for block in _leaves(network):
        block.register_forward_hook(output)
    network.register_forward_hook(end)


def watch_optimizer(optimizer: Any, /, *, before: Callable[[], None], after: Callable[[], None]) -> None:
    """Call functions before and after each update of a Gluon Trainer; raises UsageError for what is none."""
    if not isinstance(optimizer, mx.gluon.Trainer):
        raise UsageError(f"an optimizer is a {type(optimizer).__name__}; expected a gluon.Trainer")
    update = optimizer._update

    def watched(*arguments: Any, **options: Any) -> None:
        before()
        update(*arguments, **options)
        after()

    optimizer._update = watched


def gradients(network: Any, optimizer: Any, /) -> dict[str, np.ndarray]:
    """Return the gradients that a Trainer moves parameters by: after it has divided them by the batch size."""
    own = {id(parameter) for parameter in optimizer._params}
    return {
        name: _on_host(parameter.grad()) * optimizer._optimizer.rescale_grad
        for name, _, parameter in _named(network)
        if id(parameter) in own and parameter.grad_req != "null"
    }


def slots(network: Any, optimizer: Any, /) -> ProgramSlots:
    """Return a Trainer's moments, where its optimizer is one of MXNet's or made of one, and its counter."""
    places = {id(parameter): place for place, parameter in enumerate(optimizer._params)}
    names = next((_SLOTS[kind.__name__] for kind in type(optimizer._optimizer).__mro__ if kind.__name__ in _SLOTS), ())
    found: dict[tuple[str, str], np.ndarray] = {}
    counter = None
    for name, _, parameter in _named(network):
        place = places.get(id(parameter))
        states = optimizer._updaters[0].states.get(place)
        kept = states if isinstance(states, tuple | list) else () if states is None else (states,)
        found |= {(name, slot): _on_host(array) for slot, array in zip(names, kept, strict=False)}
        counter = optimizer._optimizer._index_update_count.get(place, counter)
    # MXNet's own SGD, NAG and RMSProp add what they keep.
    return ProgramSlots(slots=found, counter=counter, momentum="added_step")


def _named(network: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield a block's parameters with their names and the blocks that they are of."""
    for name, parameter in network._reg_params.items():
        yield f"{prefix}{name}", network, parameter
    for name, child in network._children.items():
        yield from _named(child, f"{prefix}{name}.")


def _leaves(network: Any) -> Iterator[Any]:
    """Yield the blocks without blocks of their own but an activation, which a Dense and a convolution may have."""
    children = list(network._children.values())
    if all(child is getattr(network, "act", None) for child in children):
        yield network
    else:
        for child in children:
            yield from _leaves(child)


def _class_name(block: Any) -> str:
    return next((kind.__name__ for kind in type(block).__mro__ if kind.__name__ in _KINDS), "")


def _kind(block: Any) -> str:
    """Return the kind of what a block gives: of its activation, where it has one of its own."""
    own = getattr(block, "act", None) or block
    name = getattr(own, "_act_type", None)
    return _KINDS.get(_class_name(block), "") if name is None else _ACTIVATIONS.get(name, name)


def _reader(parameter: Any) -> Callable[[], np.ndarray]:
    return lambda: _on_host(parameter.data())


def _writer(parameter: Any) -> Callable[[np.ndarray], None]:
    return lambda array: parameter.set_data(_on_device(array, parameter.data().context))


def _on_device(array: np.ndarray, place: Any) -> Any:
    # mx.nd.array asks SciPy for a name that it warns of.
    return mx.nd.from_numpy(np.array(array, order="C")).as_in_context(place)


def _on_host(array: Any) -> np.ndarray:
    return np.array(array.asnumpy(), order="C")
