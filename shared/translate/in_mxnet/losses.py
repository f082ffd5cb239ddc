"""Both losses in MXNet, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec, GradientPenalty
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.in_mxnet.input_gradient import input_gradient_section
from gan_rosetta.shared.translate.loss_words import LossWords
from gan_rosetta.shared.translate.losses import has_entropy, loss_functions
from gan_rosetta.shared.translate.parts import norm_words, perturbed_function
from gan_rosetta.shared.translate.writing import number

_WORDS = LossWords(
    tensor="NDArray",
    mean="{v}.mean()",
    sum="{v}.sum()",
    log="mx.nd.log",
    exponential="mx.nd.exp({v})",
    relu="mx.nd.relu",
    floored="mx.nd.maximum({p}, {floor})",
    less_mean="mx.nd.broadcast_sub({v}, {w}.mean(axis=0, keepdims=True))",
    absolute="mx.nd.abs({v})",
    joined="mx.nd.concat({a}, {b}, dim=1)",
    held="mx.nd.clip({v}, 0, 1)",
)


def losses_section(gan: GanSpec, /) -> str:
    """Return both losses as functions of what D says, and the gradient penalty."""
    score = gan.training.discriminator_loss.score
    parts = [_ENTROPY] if has_entropy(gan) else []
    parts += [_CROSS_ENTROPY] if score == "logits" else []
    parts += [_LOGISTIC] if score == "logit" else []
    parts += loss_functions(gan, _WORDS)
    penalty = gan.penalty
    if penalty is not None:
        masks = ", masks" if uses_masks(gan, "discriminator") else ""
        axes = "axis=1" if penalty.norm == "channel" else "axis=0, exclude=True"
        mixed = "(1 - mix) * moved" if penalty.mixing == "entry" else "mx.nd.broadcast_mul(1 - mix, moved)"
        parts += [
            *perturbed_function(
                penalty,
                tensor="NDArray",
                deviation=_MOVED.format(less=penalty.degrees_lost, scale=number(penalty.perturbation or 0.0)),
                moved=f"real + {mixed}",
            ),
            *input_gradient_section(gan),
            f'''\
def gradient_penalty(mixed: NDArray{", masks: Batch" if masks else ""}) -> NDArray:
    """Return {norm_words(penalty)}."""
    squares = (input_gradient(mixed{masks}) ** 2).sum({axes})
{_deviations(penalty)}
{_LARGEST if penalty.over == "largest" else "    of_all = deviations.mean()"}
    return {number(penalty.factor_of_mean)} * of_all''',
        ]
    return "\n\n\n".join(parts)


def _deviations(penalty: GradientPenalty) -> str:
    if penalty.target == 0:
        power = f"**{number(penalty.power // 2)}" if penalty.power > 2 else ""
        return f"    deviations = squares{power}"
    return f"""\
    # A root has an infinite gradient at 0, which times 0 is NaN: there it is not taken.
    is_zero = squares == 0
    norms = mx.nd.sqrt(squares + is_zero) * (1 - is_zero)
    deviations = (norms - {number(penalty.target)}) ** 2"""


_MOVED = """\
numbers = real.reshape((1, -1))  # MXNet has no deviation
squares = mx.nd.broadcast_sub(numbers, numbers.mean(axis=1, keepdims=True)) ** 2
deviation = mx.nd.sqrt(squares.sum(axis=1, keepdims=True) / (real.size - {less}))
moved = {scale} * mx.nd.broadcast_mul(perturbation.reshape((1, -1)), deviation).reshape(real.shape)"""

_LARGEST = """\
    # MXNet's own maximum gives entries that are alike the whole gradient each.
    deviations = deviations.reshape((-1,))
    is_largest = mx.nd.broadcast_equal(deviations.detach(), deviations.detach().max())
    of_all = (deviations * is_largest).sum() / is_largest.sum()"""

_ENTROPY = '''\
def cross_entropy(p: NDArray, target: int, log_floor: float, floor: float) -> NDArray:
    """Return -log p or -log(1 - p) of each sample, bounded as its gradient is."""
    with autograd.pause():
        logarithm = mx.nd.maximum(mx.nd.log(p) if target == 1 else mx.nd.log1p(-p), log_floor)
        slope = (p - target) / mx.nd.maximum(p * (1 - p), floor)
    return slope * (p - p.detach()) - logarithm  # the first is 0, with the gradient wanted'''

_CROSS_ENTROPY = '''\
def cross_entropy(logits: NDArray, label: int) -> NDArray:
    """Return the loss of each sample; MXNet's own log_softmax computes in float32."""
    logits = mx.nd.broadcast_sub(logits, logits.detach().max(axis=1, keepdims=True))
    return mx.nd.log(mx.nd.exp(logits).sum(axis=1)) - logits[:, label]'''


_LOGISTIC = '''\
def logistic(logits: NDArray, target: float) -> NDArray:
    """Return each logit's cross entropy with a target; Gluon's own is not smooth at 0."""
    with autograd.pause():
        values = mx.nd.relu(logits) - logits * target + mx.nd.log1p(mx.nd.exp(-logits.abs()))
        slopes = mx.nd.sigmoid(logits) - target
    return values + slopes * (logits - logits.detach())  # the second is 0, with the gradient wanted'''
