"""Both losses in Keras, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.in_tensorflow.losses import losses_in_words
from gan_rosetta.shared.translate.losses import LossWords

_WORDS = LossWords(
    tensor="tf.Tensor",
    mean="ops.mean",
    sum="ops.sum",
    log="ops.log",
    relu="ops.relu",
    log_softmax="ops.log_softmax",
    floored="ops.maximum({p}, {floor})",
    logistic="logistic({z}, {t})",
)


def losses_section(gan: GanSpec, /) -> str:
    """Return both losses as functions of what D says, and the gradient penalty."""
    return losses_in_words(gan, _WORDS)
