"""Both losses in PyTorch, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.loss_words import LossWords
from gan_rosetta.shared.translate.losses import loss_functions
from gan_rosetta.shared.translate.parts import norm_words, perturbed_function
from gan_rosetta.shared.translate.writing import number


class _Words(LossWords):
    """torch's own cross entropies reduce by themselves."""

    def to_logit(self, loss: Any, logits: str, target: float, /) -> str:
        wanted = f"torch.full_like({logits}, {number(target)})"
        return f"functional.binary_cross_entropy_with_logits({logits}, {wanted}{_reduction(loss)})"

    def to_probability(self, loss: Any, values: str, target: int, /) -> str:
        if _is_custom_entropy(loss):
            floors = f"{number(loss.log_floor)}, {number(loss.denominator_floor)}"
            return self.reduced(loss, f"CrossEntropy.apply({values}, {target}, {floors})")
        wanted = f"torch.{'ones' if target == 1 else 'zeros'}_like({values})"
        return f"functional.binary_cross_entropy({values}, {wanted}{_reduction(loss)})"

    def to_class(self, loss: Any, logits: str, label: int, /) -> str:
        wanted = f"torch.full((len({logits}),), {label})"
        return f"functional.cross_entropy({logits}, {wanted}{_reduction(loss)})"


_WORDS = _Words(
    tensor="Tensor",
    mean="{v}.mean()",
    sum="{v}.sum()",
    log="torch.log",
    exponential="torch.exp({v})",
    relu="torch.relu",
    floored="{p}.clamp(min={floor})",
    less_mean="{v} - {w}.mean(dim=0, keepdim=True)",
    absolute="torch.abs({v})",
    joined="torch.cat([{a}, {b}], dim=1)",
    held="{v}.clamp(0, 1)",
)


def losses_section(gan: GanSpec, /) -> str:
    """Return both losses as functions of what D says, and the gradient penalty."""
    losses = (gan.training.discriminator_loss, gan.training.generator_loss)
    parts = [_CUSTOM_ENTROPY] if any(map(_is_custom_entropy, losses)) else []
    parts += loss_functions(gan, _WORDS)
    penalty = gan.penalty
    if penalty is not None:
        gradient = "gradient" if penalty.norm == "channel" else "gradient.flatten(1)"
        masks = ", masks" if uses_masks(gan, "discriminator") else ""
        parts += perturbed_function(
            penalty,
            tensor="Tensor",
            deviation=f"deviation = real.std(correction={penalty.degrees_lost})",
            moved=f"real + (1 - mix) * ({number(penalty.perturbation or 0.0)} * deviation * perturbation)",
        )
        parts.append(f'''\
def gradient_penalty(mixed: Tensor{", masks: Batch" if masks else ""}) -> Tensor:
    """Return {norm_words(penalty)}."""
    mixed.requires_grad_()
    # A loss made of a gradient is differentiated again; create_graph keeps how it came about.
    (gradient,) = torch.autograd.grad(discriminator(mixed{masks}).sum(), mixed, create_graph=True)
    {_deviations(penalty, gradient)}.{"mean" if penalty.over == "mean" else "amax"}()''')
    return "\n\n\n".join(parts)


def _deviations(penalty: spec.GradientPenalty, gradient: str) -> str:
    weight = number(penalty.factor_of_mean)
    if penalty.target == 0:
        power = f" ** {number(penalty.power // 2)}" if penalty.power > 2 else ""
        square = f"{gradient} ** 2" if "(" in gradient else f"{gradient}**2"  # as ruff has them
        squares = f"({square}).sum(dim=1)"
        return f"return {weight} * {f'({squares}{power})' if power else squares}"
    norms = f"norms = torch.linalg.vector_norm({gradient}, dim=1)"
    return f"{norms}\n    return {weight} * ((norms - {number(penalty.target)}) ** 2)"


_CUSTOM_ENTROPY = '''\
class CrossEntropy(torch.autograd.Function):
    """Binary cross entropy with bounds of its own; binary_cross_entropy's are -100 and 1e-12."""

    @staticmethod
    def forward(context: Any, p: Tensor, target: int, log_floor: float, floor: float) -> Tensor:
        """Return -log p or -log(1 - p) of each sample, no logarithm below log_floor."""
        context.save_for_backward(p)
        context.target, context.floor = target, floor
        return -(torch.log(p) if target == 1 else torch.log1p(-p)).clamp(min=log_floor)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        """Return the gradient by p, bounded where p is 0 or 1."""
        (p,) = context.saved_tensors
        slope = (p - context.target) / (p * (1 - p)).clamp(min=context.floor)
        return gradient * slope, None, None, None'''


def _is_custom_entropy(loss: Any) -> bool:
    is_entropy = isinstance(loss, spec.BinaryCrossEntropyDiscriminatorLoss | spec.BinaryCrossEntropyGeneratorLoss)
    return is_entropy and (loss.log_floor != -100 or loss.denominator_floor != 1e-12)


def _reduction(loss: Any) -> str:
    return "" if loss.reduction == "mean" else ', reduction="sum"'
