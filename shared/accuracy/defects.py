"""What frameworks are known to do that rounding does not explain: where, why, and a few lines that show it bare."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gan_rosetta.shared.interface import Dtype

_RATE = 0.001  # of the optimizers that are measured
_GELU_FADES = -5.0  # where its derivative is 7e-6, and torch has two digits of it left in float32


@dataclass(frozen=True, kw_only=True)
class Script:
    """A few lines of a bare framework that show a defect, and what they print; tests run them."""

    program: str
    prints: str


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A known defect. backends, devices: that have it. reason: what happens and where in the framework's source.

    scripts: by backend, of the bare framework on a processor. covers: whether a result that is not covered comes of it,
    from the type, the operation, what the result is for, and the result and the reference's, (entries,) each.
    """

    name: str
    backends: tuple[str, ...]
    devices: tuple[str, ...] = ("cpu",)
    title: str
    reason: str
    scripts: Mapping[str, Script]
    covers: Callable[[Dtype, str, float | str, np.ndarray, np.ndarray], bool]


def find_defect(
    *,
    backend: str,
    device: str,
    dtype: Dtype,
    operation: str,
    label: float | str,
    got: np.ndarray,
    reference: np.ndarray,
) -> Defect | None:
    """Return the known defect that a result which is not covered comes of, or None."""
    for defect in DEFECTS:
        has_it = backend in defect.backends and device in defect.devices
        if has_it and defect.covers(dtype, operation, label, got, reference):
            return defect
    return None


# The smallest number on the way from an input to the result, where that is not one of the two.
_ON_THE_WAY: dict[str, Callable[[float], float]] = {
    "adam": lambda gradient: 0.1 * gradient,
    "amsgrad": lambda gradient: 0.1 * gradient,
    "amsgrad-corrected": lambda gradient: min(0.1 * gradient, 0.001 * gradient**2 or math.inf),
    "adam-uncorrected": lambda gradient: 0.1 * _RATE * gradient,
    "adam-hat": lambda gradient: 0.1 * _RATE * 0.03 * gradient,
    "penalty": lambda length: 0.02 * length**2,
    "penalty-by-channel": lambda length: 0.05 * length**2,
}


def _is_flushed(dtype: Dtype, operation: str, label: float | str, got: np.ndarray, reference: np.ndarray) -> bool:
    """Whether an input, what should come out, or a number on the way is subnormal."""
    tiny = float(np.finfo(dtype).tiny)
    if isinstance(label, str):
        gradient, _, later = label.partition(", ")
        if operation == "amsgrad-corrected" and later:
            return 0 < 0.001 * float(gradient) ** 2 < tiny  # what comes to v, before v is corrected
        # A batch's share of numbers near the end.
        return label == "1000 small"
    on_the_way = _ON_THE_WAY.get(operation, abs)(abs(label))
    if 0 < min(abs(label), on_the_way) < tiny:
        return True
    apart = got != reference
    with np.errstate(all="ignore"):
        return bool(np.all(got[apart] == 0) and np.all(np.abs(reference[apart].astype(np.float64)) < tiny))


def _overflows_in_both(
    dtype: Dtype, operation: str, label: float | str, got: np.ndarray, reference: np.ndarray
) -> bool:
    """Whether the squares of a gradient and of its mean are infinite, of whose difference comes a NaN elsewhere."""
    if operation != "rmsprop-centered":
        return False
    gradient = abs(float(label.partition(",")[0]) if isinstance(label, str) else label)
    apart = ~(got == reference)
    overflows = 0.1 * gradient > math.sqrt(float(np.finfo(dtype).max))
    return overflows and bool(np.all(np.isnan(reference[apart]) & np.isfinite(got[apart])))


def _is_next_to_one(dtype: Dtype, operation: str, label: float | str, got: np.ndarray, reference: np.ndarray) -> bool:
    """Whether a GELU's derivative far below 0 is off by no more than a number next to 1 is rounded by."""
    if dtype != "float32" or operation != "gelu" or isinstance(label, str) or label > _GELU_FADES:
        return False
    return bool(np.all(np.abs(got.astype(np.float64) - reference) <= float(np.finfo(dtype).epsneg)))


def _is_a_spacing_below_one(
    dtype: Dtype, operation: str, label: float | str, got: np.ndarray, reference: np.ndarray
) -> bool:
    """Whether a gradient is a sigmoid less 1, and that is off by a spacing or so of numbers just below 1."""
    del label
    if operation != "cross-entropy":
        return False
    return bool(np.all(np.abs(got.astype(np.float64) - reference) <= 1.5 * float(np.finfo(dtype).epsneg)))


DEFECTS: tuple[Defect, ...] = (
    Defect(
        name="gelu-derivative-beside-one",
        backends=("torch",),
        title="GELU's derivative in float32 is 0 from -6 down",
        reason=(
            "On seven numbers or more torch takes them eight or sixteen at a time, by an erf whose error is that of a "
            "number next to 1, and the density of the normal distribution comes out no better: what is smaller than "
            "6e-8 is lost. One number alone, and float64, keep their digits."
        ),
        scripts={
            "torch": Script(
                program=(
                    "import torch\n\n"
                    "for size in (1, 16):\n"
                    "    x = torch.full((size,), -6.3, requires_grad=True)\n"
                    "    torch.nn.functional.gelu(x).sum().backward()\n"
                    "    print(float(x.grad[0]))"
                ),
                prints="-6.0488960507143474e-09\n0.0",
            ),
        },
        covers=_is_next_to_one,
    ),
    Defect(
        name="sigmoid-on-a-gpu",
        backends=("torch",),
        devices=("cuda",),
        title="A sigmoid near 1 is a spacing off on a GPU",
        reason=(
            "The gradient of a cross entropy from logits is sigmoid(x) less the target. On a GPU torch's sigmoid next "
            "to 1 is a spacing, 6e-8, from where it is rounded to elsewhere, eager and compiled, so that the gradient "
            "at a logit of 14 is -8.9e-7, where it is -8.3e-7."
        ),
        scripts={},
        covers=_is_a_spacing_below_one,
    ),
    Defect(
        name="subnormals-flushed",
        backends=("tensorflow", "jax"),
        title="Subnormal numbers are 0",
        reason=(
            "TensorFlow and XLA set the processor's flush-to-zero and denormals-are-zero for the threads that compute "
            "(`ScopedFlushDenormal` of tsl/platform/denormal.h), since such numbers are slow on some processors. What "
            "is below the smallest normal number, 1.2e-38 in float32, counts as 0: as an argument, as a result, and on "
            "the way, so that Adam takes no step for a gradient of 1e-38 where the others take one of 1e-33."
        ),
        scripts={
            "tensorflow": Script(
                program=(
                    "import tensorflow as tf\n\n"
                    "x = tf.constant([1e-39])\n"
                    "print(float(x[0]), (x * 1.0).numpy(), tf.tanh(x).numpy())"
                ),
                prints="1.0000002153053333e-39 [0.] [0.]",
            ),
            "jax": Script(
                program=(
                    "import jax\n\n"
                    "x = jax.numpy.array([1e-39])\n"
                    "print(float(x[0]), x * 1.0, jax.grad(lambda x: jax.nn.relu(x).sum())(x))"
                ),
                prints="1.0000002153053333e-39 [0.] [0.]",
            ),
        },
        covers=_is_flushed,
    ),
    Defect(
        name="difference-fused",
        backends=("tensorflow", "jax"),
        title="An infinite number less an infinite square is infinite",
        reason=(
            "XLA, which TensorFlow compiles with too, computes `square - mean * mean` in one operation of the "
            "processor, which rounds once (fused multiply-add), so that the square of the mean is a finite number on "
            "its way however large it is. "
            "Where a gradient is so large that its square and that of its mean are both infinite, ∞ - ∞ is no number "
            "elsewhere, and centred RMSprop's parameter becomes NaN; here the variance is ∞, and the parameter stays "
            "where it is, without a sign that anything overflowed."
        ),
        scripts={
            "tensorflow": Script(
                program=(
                    "import tensorflow as tf\n\n"
                    "variance = tf.function(lambda square, mean: square - mean * mean, jit_compile=True)\n"
                    'square, mean = tf.constant([float("inf")]), tf.constant([1e20])\n'
                    "print(variance(square, mean).numpy(), (square - mean * mean).numpy())"
                ),
                prints="[inf] [nan]",
            ),
            "jax": Script(
                program=(
                    "import jax\n\n"
                    "variance = jax.jit(lambda square, mean: square - mean * mean)\n"
                    'square, mean = jax.numpy.array([float("inf")]), jax.numpy.array([1e20])\n'
                    "print(variance(square, mean), square - jax.numpy.square(mean))"
                ),
                prints="[inf] [nan]",
            ),
        },
        covers=_overflows_in_both,
    ),
)
