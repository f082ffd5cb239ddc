"""A program from outside in TensorFlow or Keras: what it is fed, its networks and optimizers, seen as they are called.

What a `tf.function` computes is out of sight but for what it leaves: parameters, slots and buffers.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gan_rosetta.backends.tensorflow.device import check_device, native_device
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Momentum, PassObserver, ProgramSlots, ProgramTensor

_KINDS = {
    "Dense": "linear",
    "Conv2D": "conv",
    "Conv2DTranspose": "conv_transpose",
    "BatchNormalization": "batch_norm",
    "GroupNormalization": "group_norm",
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "PReLU": "prelu",
    "ELU": "elu",
    "AveragePooling2D": "pool",
    "MaxPooling2D": "pool",
    "GlobalAveragePooling2D": "global_pool",
    "GlobalMaxPooling2D": "global_pool",
    "Flatten": "reshape",
    "Reshape": "reshape",
}
_ACTIVATIONS = ("tanh", "sigmoid", "softplus", "relu", "leaky_relu", "elu", "selu", "gelu", "silu")
# The spec's slots by the names that Keras's optimizers have for theirs.
_SLOTS = {
    "m": "_momentums",
    "v": "_velocities",
    "square": "_accumulated_grads",
    "delta": "_accumulated_delta_vars",
    "largest": "_velocity_hats",
    "sum": "_accumulators",
    "momentum": "momentums",
}
# RMSprop keeps other things under the names that Adam has.
_RMSPROP_SLOTS = {"square": "_velocities", "mean": "_average_gradients", "momentum": "_momentums"}
# What each watched optimizer was given last, by variable.
_given: weakref.WeakKeyDictionary[Any, dict[int, Any]] = weakref.WeakKeyDictionary()


def to_tensor(array: np.ndarray, /, *, device: str) -> Any:
    """Return a copy of an array as a tensor of its type on "cpu" or "cuda"; raises UsageError."""
    check_device(device)
    with tf.device(native_device(device)):
        return tf.constant(array)


def is_network(found: Any, /) -> bool:
    """Whether something is a tf.Module, or a layer or model of Keras on TensorFlow."""
    if isinstance(found, tf.Module):
        return True
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(found, keras.layers.Layer) and keras.backend.backend() == "tensorflow"


def keeps_its_state(network: Any, /) -> bool:
    """A network has its parameters as they are now."""
    del network
    return True


def layout(network: Any, /) -> str:
    """Return TensorFlow's layout, with channels last."""
    del network
    return "keras"


def is_ordered(network: Any, /) -> bool:
    """Keras has its layers in order, a tf.Module its attributes by their names."""
    return _is_keras(network)


def tensors(network: Any, /) -> list[ProgramTensor]:
    """Return a network's parameters and buffers; raises UsageError for a network of Keras that is not built."""
    if _is_keras(network) and not network.built:
        raise UsageError(f"the Keras model {network.name!r} has no variables yet; build it, or call it on a batch once")
    return [
        ProgramTensor(
            name=name,
            kind=None if layer is None else _kind_of_tensors(layer),
            shape=tuple(variable.shape),
            read=_reader(variable),
            write=variable.assign,
        )
        for name, layer, variable in _named(network)
    ]


def call(network: Any, inputs: np.ndarray, /, *classes: np.ndarray) -> np.ndarray:
    """Return the output of a pass in training mode; variables are as they were. classes: (B,), if any."""
    before = [(variable, variable.numpy()) for _, _, variable in _named(network)]
    try:
        batch, *of_classes = map(tf.constant, (inputs, *classes))
        if not _is_keras(network):
            return np.array(network(batch, *of_classes))
        return np.array(network([batch, *of_classes] if of_classes else batch, training=True))
    finally:
        for variable, value in before:
            variable.assign(value)


def watch_network(network: Any, observer: PassObserver, /) -> None:
    """Tell an observer of every pass of a network of Keras that is not traced; of a tf.Module nothing can be told."""
    if not _is_keras(network):
        return
    first = {id(layer): name for name, layer, _ in reversed(list(_named(network)))}

    def end(inputs: Any, outputs: Any) -> None:
        del inputs
        observer.end(np.array(outputs) if tf.is_tensor(outputs) else None)

    for layer in network._flatten_layers(include_self=False):
        if not layer._layers:
            _after_call(layer, _output_of(layer, first.get(id(layer), ""), observer))
    _after_call(network, end, before=lambda inputs: observer.begin(np.array(inputs)))


def watch_optimizer(optimizer: Any, /, *, before: Callable[[], None], after: Callable[[], None]) -> None:
    """Call functions before and after each update of an optimizer of Keras that is not traced."""
    apply = optimizer.apply

    def watched(grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        grads = list(grads)
        variables = optimizer._trainable_variables if trainable_variables is None else list(trainable_variables)
        traced = any(tf.is_symbolic_tensor(gradient) for gradient in grads if gradient is not None)
        if not traced:
            pairs = zip(variables, grads, strict=True)
            _given[optimizer] = {id(variable): gradient for variable, gradient in pairs if gradient is not None}
            before()
        apply(grads, None if trainable_variables is None else variables)
        if not traced:
            after()

    optimizer.apply = watched


def gradients(network: Any, optimizer: Any, /) -> dict[str, np.ndarray]:
    """Return the gradients that an optimizer was given for a network's variables."""
    given = _given.get(optimizer, {})
    return {
        name: np.array(tf.convert_to_tensor(given[id(variable)]))
        for name, _, variable in _named(network)
        if id(variable) in given
    }


def slots(network: Any, optimizer: Any, /) -> ProgramSlots:
    """Return an optimizer's moments and its counter."""
    found: dict[tuple[str, str], np.ndarray] = {}
    places = {id(variable): place for place, variable in enumerate(optimizer._trainable_variables)}
    is_rmsprop = any(kind.__name__ == "RMSprop" for kind in type(optimizer).__mro__)
    names = _RMSPROP_SLOTS if is_rmsprop else _SLOTS
    for name, _, variable in _named(network):
        place = places.get(id(variable))
        for slot, own in names.items():
            if place is not None and getattr(optimizer, own, None):
                found[name, slot] = np.array(getattr(optimizer, own)[place])
    momentum: Momentum = "added_step" if _is_own_step(optimizer) else "step"
    return ProgramSlots(slots=found, counter=int(optimizer.iterations), momentum=momentum)


def _is_own_step(optimizer: Any) -> bool:
    """Whether an optimizer steps as Keras's SGD does, which adds its momentum."""
    keras = sys.modules.get("keras")
    own = None if keras is None else keras.optimizers.SGD.update_step
    return own is not None and getattr(type(optimizer), "update_step", None) is own


def _is_keras(network: Any) -> bool:
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(network, keras.layers.Layer)


def _named(network: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield a network's variables with their names, and with their layers where they are Keras's."""
    if not _is_keras(network):
        flat = network._flatten(predicate=lambda each: isinstance(each, tf.Variable), with_path=True)
        for path, variable in flat:
            yield ".".join(map(str, path)), None, variable
        return
    for layer in network._flatten_layers():
        for variable in [*layer._trainable_variables, *layer._non_trainable_variables]:
            yield f"{layer.name}.{variable.name}", layer, variable


def _kind_of_tensors(layer: Any) -> str | None:
    return _KINDS.get(type(layer).__name__)


def _kind(layer: Any) -> str:
    """Return the kind of what a layer gives: of its activation, where it has one of its own."""
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return name if name in _ACTIVATIONS else _KINDS.get(type(layer).__name__, "")


def _output_of(layer: Any, tensor: str, observer: PassObserver) -> Callable[[Any, Any], None]:
    def output(inputs: Any, outputs: Any) -> None:
        del inputs
        if tf.is_tensor(outputs):
            observer.output(tensor, _kind(layer), np.array(outputs))

    return output


def _after_call(layer: Any, after: Callable[[Any, Any], None], *, before: Callable[[Any], None] | None = None) -> None:
    """Have functions called around a layer's own call, where its tensors have numbers."""
    own = layer.call

    def watched(*arguments: Any, **options: Any) -> Any:
        inputs = arguments[0] if arguments else next(iter(options.values()), None)
        if tf.is_tensor(inputs) and not tf.is_symbolic_tensor(inputs) and before is not None:
            before(inputs)
        outputs = own(*arguments, **options)
        if not any(tf.is_symbolic_tensor(each) for each in tf.nest.flatten(outputs)):
            after(inputs, outputs)
        return outputs

    layer.call = watched


def _reader(variable: Any) -> Callable[[], np.ndarray]:
    return lambda: np.array(variable.numpy())
