"""Both losses in TensorFlow, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec, GradientPenalty
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.loss_words import LossWords
from gan_rosetta.shared.translate.losses import has_entropy, loss_functions
from gan_rosetta.shared.translate.parts import norm_words, perturbed_function
from gan_rosetta.shared.translate.writing import number

_WORDS = LossWords(
    tensor="tf.Tensor",
    mean="tf.reduce_mean({v})",
    sum="tf.reduce_sum({v})",
    log="tf.math.log",
    exponential="tf.exp({v})",
    relu="tf.nn.relu",
    log_softmax="tf.nn.log_softmax",
    floored="tf.maximum({p}, {floor})",
    less_mean="{v} - tf.reduce_mean({w}, axis=0, keepdims=True)",
    absolute="tf.abs({v})",
    joined="tf.concat([{a}, {b}], axis=-1)",
    held="tf.clip_by_value({v}, 0, 1)",
)


def losses_section(gan: GanSpec, /) -> str:
    """Return both losses as functions of what D says, and the gradient penalty."""
    return losses_in_words(gan, _WORDS)


def losses_in_words(gan: GanSpec, words: LossWords, /, *, listed: bool = False) -> str:
    """Return the section, in words of TensorFlow or of Keras; listed: as of the calls of networks."""
    parts = [_ENTROPY] if has_entropy(gan) else []
    parts += [_LOGISTIC] if gan.training.discriminator_loss.score == "logit" else []
    parts += loss_functions(gan, words)
    penalty = gan.penalty
    if penalty is not None:
        axes = "-1" if penalty.norm == "channel" else "range(1, len(mixed.shape))"
        masks, given = "", "mixed"
        if uses_masks(gan, "discriminator"):
            masks = f", masks: {'list[tf.Tensor]' if listed else 'Batch'}"
            given = "[mixed, *masks]" if listed else "mixed, masks"
        parts += perturbed_function(
            penalty,
            tensor="tf.Tensor",
            deviation=_UNBIASED if penalty.degrees_lost else "deviation = tf.math.reduce_std(real)",
            moved=f"real + (1 - mix) * ({number(penalty.perturbation or 0.0)} * deviation * perturbation)",
        )
        parts.append(f'''\
def gradient_penalty(mixed: tf.Tensor{masks}) -> tf.Tensor:
    """Return {norm_words(penalty)}."""
    with tf.GradientTape() as inner:
        inner.watch(mixed)  # which is no variable
        score = tf.reduce_sum(discriminator({given}))
    squares = tf.reduce_sum(inner.gradient(score, mixed) ** 2, axis={axes})
{_deviations(penalty)}
    return {number(penalty.factor_of_mean)} * tf.reduce_{"mean" if penalty.over == "mean" else "max"}(deviations)''')
    return "\n\n\n".join(parts)


def _deviations(penalty: GradientPenalty) -> str:
    if penalty.target == 0:
        power = f"**{number(penalty.power // 2)}" if penalty.power > 2 else ""
        return f"    deviations = squares{power}"
    return f"""\
    # A root has an infinite gradient at 0, which times 0 is NaN: there it is not taken.
    zeros = tf.cast(squares == 0, squares.dtype)
    deviations = (tf.sqrt(squares + zeros) - zeros - {number(penalty.target)}) ** 2"""


_UNBIASED = """\
# TensorFlow's own deviation is the biased one.
squares = tf.reduce_sum((real - tf.reduce_mean(real)) ** 2)
deviation = tf.sqrt(squares / (tf.cast(tf.size(real), real.dtype) - 1))"""

_LOGISTIC = '''\
def logistic(logits: tf.Tensor, target: float) -> tf.Tensor:
    """Return the cross entropy of each logit's sigmoid and a target."""
    targets = target * tf.ones_like(logits)
    return tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)'''

_ENTROPY = '''\
def cross_entropy(p: tf.Tensor, target: int, log_floor: float, floor: float) -> tf.Tensor:
    """Return -log p or -log(1 - p) of each sample, no logarithm below log_floor.

    keras.losses.BinaryCrossentropy holds p to [1e-7, 1 - 1e-7], and with it the gradient.
    """

    @tf.custom_gradient
    def bounded(p: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return upstream * (p - target) / tf.maximum(p * (1 - p), floor)

        logarithm = tf.math.log(p) if target == 1 else tf.math.log1p(-p)
        return -tf.maximum(logarithm, log_floor), gradient

    return bounded(p)'''
