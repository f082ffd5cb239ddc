"""What every layer answers, and how reverse mode and its tangent are organised.

A layer is a function y = f(x; θ). Reverse mode goes through a network twice: forward, keeping in `cache` what the
derivative will need, then backward, turning ∂L/∂y into ∂L/∂x and ∂L/∂θ by the chain rule.

The gradient penalty needs more: the derivative with respect to θ of a function of g = ∂ΣD/∂x. With v = ∂penalty/∂g
held constant, ∂penalty/∂θ = vᵀ ∂g/∂θ = ∂/∂θ (vᵀ ∂ΣD/∂x), and vᵀ ∂ΣD/∂x is the derivative of ΣD in the direction v. So:
propagate a tangent ẋ = v forward beside x, ẏ = f'(x; θ) ẋ, and go backward through that pair, which gives ∂/∂θ of
Σẏ at the end. This is forward-over-reverse differentiation, Pearlmutter's R-operator: Pearlmutter 1994, Fast exact
multiplication by the Hessian. For an activation y = f(x), ẏ = f'(x) ẋ, the pair's backward step is

    ∂ẋ = f'(x) ∂ẏ        ∂x = f'(x) ∂y + f''(x) ẋ ∂ẏ

and for a linear map y = W x + b, ẏ = W ẋ it is ∂W = ∂y xᵀ + ∂ẏ ẋᵀ, ∂b = ∂y, ∂ẋ = Wᵀ ∂ẏ, ∂x = Wᵀ ∂y.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.backends.numpy import products
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import Shape

if TYPE_CHECKING:
    from gan_rosetta.backends.numpy.rounding import RandomRounding

Array = NDArray[np.floating[Any]]
Tensors = Mapping[str, Array]
Mask = NDArray[np.bool_]
# Under what short name a layer finds, among its tensors, what its pass is fed for it; absent where it is fed nothing.
FED = "fed"


class Layer:
    """A layer's mathematics; stateless. Arrays have the batch first, then the canonical per-sample shape.

    takes_copies: True where everything, tensors too, may have an axis of copies before that (see copies.py).
    output_range: the bounds that the function never leaves, where it has any.
    rounds: False for a layer whose results every program has exactly, as it has its arguments.
    is_join: True for a layer of several inputs (see branches.py).
    has_kink: True where the slope jumps at an input of 0.
    is_affine: True for x ↦ W x + b, whose cache is (x, W) and whose every result is a sum of products.
    rounding: None, or what a layer whose result hangs on long sums disturbs those by (see rounding.py).
    factors_by: None, or what a layer inside another, which has no rounding, disturbs factors of products by.
    """

    takes_copies: ClassVar[bool] = False
    output_range: ClassVar[tuple[float, float] | None] = None
    rounds: ClassVar[bool] = True
    is_join: ClassVar[bool] = False
    has_kink: bool = False
    is_affine: ClassVar[bool] = False
    rounding: RandomRounding | None = None
    factors_by: RandomRounding | None = None

    def __init__(self, layer: Any, input_shape: Shape) -> None:
        """Take what is needed of the layer's spec and of its input's per-sample shape: by default nothing."""

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Any]:
        """Return y and what `backward` needs. x is left alone. tensors: parameters, buffers and FED by short name."""
        raise NotImplementedError

    def factor(self, array: Array, /) -> Array:
        """Return what a product takes of an array; see products.py."""
        if products.kept_bits is None:
            return array
        return products.factor(array, self.factors_by or self.rounding)

    def exact(self, x: Array) -> Mask | None:
        """Return the entries of y that every program has exactly although the layer rounds, or None for none."""
        del x
        return None

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        """Return ∂L/∂x, or None where not wanted, and write ∂L/∂θ into `gradients`, unless None.

        Writing in place spares the copy into the network's flat vector. May overwrite gradient_y.
        """
        raise NotImplementedError

    def move_buffers(self, cache: Any, tensors: Tensors) -> None:
        """Move the buffers, in place, as the forward pass that left this cache does in training."""

    def forward_tangent(self, tangent_x: Array, cache: Any) -> Array:
        """Return ẏ = f'(x) ẋ, with x's values from the cache of `forward`."""
        del tangent_x, cache
        raise self._no_tangent()

    def backward_tangent(
        self,
        gradient_y: Array | None,
        gradient_tangent_y: Array,
        cache: Any,
        tangent_x: Array,
        *,
        gradients: Tensors,
        wants_input: bool,
    ) -> tuple[Array | None, Array | None]:
        """Return (∂x, ∂ẋ) from (∂y, ∂ẏ), writing ∂θ into `gradients`; None for ∂y or ∂x stands for zeros."""
        del gradient_y, gradient_tangent_y, cache, tangent_x, gradients, wants_input
        raise self._no_tangent()

    def _no_tangent(self) -> UnsupportedLayer:
        return UnsupportedLayer(f"{type(self).__name__} has no tangent, so no gradient penalty can go through it")


class LinearMap(Layer):
    """A layer y = A x without parameters, whose tangent is the layer itself. A join's arrays are tuples of arrays."""

    def forward_tangent(self, tangent_x: Any, cache: Any) -> Array:
        del cache
        return self.forward(tangent_x, {})[0]

    def backward_tangent(
        self,
        gradient_y: Array | None,
        gradient_tangent_y: Array,
        cache: Any,
        tangent_x: Any,
        *,
        gradients: Tensors,
        wants_input: bool,
    ) -> Any:
        del tangent_x
        both = (gradient_y, gradient_tangent_y)
        return tuple(
            g if g is None else self.backward(g, cache, gradients=gradients, wants_input=wants_input) for g in both
        )
