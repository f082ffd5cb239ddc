"""Both losses in Keras, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.in_tensorflow.losses import losses_in_words
from gan_rosetta.shared.translate.loss_words import LossWords

_WORDS = LossWords(
    tensor="tf.Tensor",
    mean="ops.mean({v})",
    sum="ops.sum({v})",
    log="ops.log",
    exponential="ops.exp({v})",
    relu="ops.relu",
    log_softmax="ops.log_softmax",
    floored="ops.maximum({p}, {floor})",
    less_mean="{v} - ops.mean({w}, axis=0, keepdims=True)",
    absolute="ops.abs({v})",
    joined="ops.concatenate([{a}, {b}], axis=-1)",
    held="ops.clip({v}, 0, 1)",
)


def losses_section(gan: GanSpec, /) -> str:
    """Return both losses as functions of what D says, and the gradient penalty."""
    return losses_in_words(gan, _WORDS, listed=True)
