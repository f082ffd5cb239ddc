"""Both losses in PyTorch, as functions of what D says, and the gradient penalty."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.parts import penalty_of
from gan_rosetta.shared.translate.writing import call, number


def losses_section(gan: GanSpec, /) -> str:
    """Return both losses as functions of what D says, and the gradient penalty."""
    training = gan.training
    loss_d: Any = training.discriminator_loss
    loss_g: Any = training.generator_loss
    parts = [_CUSTOM_ENTROPY] if any(_is_custom_entropy(each) for each in (loss_d, loss_g)) else []
    parts += [
        _loss_function("discriminator", ["of_real", "of_fake"], _discriminator_loss(loss_d)),
        _loss_function("generator", ["of_fake"], _generator_loss(loss_g)),
    ]
    penalty = penalty_of(gan)
    if penalty is not None:
        gradient = "gradient" if penalty.norm == "channel" else "gradient.flatten(1)"
        norm = "pixel by pixel" if penalty.norm == "channel" else "sample by sample"
        parts.append(f'''\
def gradient_penalty(mixed: Tensor) -> Tensor:
    """Return how far the norm of D's gradient by its input is from 1, {norm}."""
    mixed.requires_grad_()
    # A loss made of a gradient is differentiated again; create_graph keeps how it came about.
    (gradient,) = torch.autograd.grad(discriminator(mixed).sum(), mixed, create_graph=True)
    norms = torch.linalg.vector_norm({gradient}, dim=1)
    return {number(penalty.weight)} * ((norms - 1) ** 2).mean()''')
    return "\n\n\n".join(parts)


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


def _loss_function(player: str, arguments: list[str], lines: list[str]) -> str:
    head = call(f"def {player}_loss(", [f"{name}: Tensor" for name in arguments], ") -> Tensor:")
    said = (
        "D's loss, by what it says of real and of fake samples"
        if player == "discriminator"
        else ("G's loss, by what D says of its samples")
    )
    return "\n".join([head, f'    """Return {said}."""', *(f"    {line}" for line in lines)])


def _discriminator_loss(loss: Any) -> list[str]:
    reduce = f".{loss.reduction}()"
    if loss.score == "critic":
        return [f"return {_critic_loss(loss, reduce)}"]
    if loss.score in ("squares", "logit"):
        return _terms_with_targets(loss)
    if isinstance(loss, spec.MinimaxDiscriminatorLoss):
        real = _logarithm(loss, "of_real", loss.real_label)
        fake = _logarithm(loss, "of_fake", 1 - loss.real_label)
        if loss.probability_floor is None:
            return _times(loss.factor, f"-{real}{reduce} - {fake}{reduce}", is_sum=True)
        return [f"real = {real}", f"fake = {fake}", *_times(loss.factor, f"-real{reduce} - fake{reduce}", is_sum=True)]
    if isinstance(loss, spec.CrossEntropyDiscriminatorLoss):
        return [
            f"real = torch.full((len(of_real),), {loss.real_label})",
            f"fake = torch.full((len(of_fake),), {1 - loss.real_label})",
            *_weighed_sum(
                1,
                f"functional.cross_entropy(of_real, real{_reduction(loss)})",
                f"functional.cross_entropy(of_fake, fake{_reduction(loss)})",
            ),
        ]
    on_real, on_fake = _entropy(loss, "of_real", loss.real_label), _entropy(loss, "of_fake", 1 - loss.real_label)
    return _weighed_sum(loss.factor, on_real, on_fake)


def _critic_loss(loss: Any, reduce: str) -> str:
    low, high = ("of_fake", "of_real") if loss.real_label == 1 else ("of_real", "of_fake")
    if isinstance(loss, spec.HingeDiscriminatorLoss):
        return f"torch.relu(1 - {high}){reduce} + torch.relu(1 + {low}){reduce}"
    return f"{low}{reduce} - {high}{reduce}"


def _generator_loss(loss: Any) -> list[str]:
    reduce = f".{loss.reduction}()"
    if isinstance(loss, spec.WassersteinGeneratorLoss):
        return [f"return {'-' if loss.real_label == 1 else ''}of_fake{reduce}"]
    if hasattr(loss, "factor"):
        return _times(loss.factor, _weighed_term(loss), is_sum=False)
    if isinstance(loss, spec.NonSaturatingGeneratorLoss):
        return [f"return -{_logarithm(loss, 'of_fake', loss.real_label)}{reduce}"]
    if isinstance(loss, spec.SaturatingGeneratorLoss):
        return [f"return {_logarithm(loss, 'of_fake', 1 - loss.real_label)}{reduce}"]
    if isinstance(loss, spec.CrossEntropyGeneratorLoss):
        return [
            f"wanted = torch.full((len(of_fake),), {loss.real_label})",
            f"return functional.cross_entropy(of_fake, wanted{_reduction(loss)})",
        ]
    return [f"return {_entropy(loss, 'of_fake', loss.real_label)}"]


def _terms_with_targets(loss: Any) -> list[str]:
    if not isinstance(loss, spec.RelativisticDiscriminatorLoss):
        real, fake = _to_target(loss, "of_real", loss.real_target), _to_target(loss, "of_fake", loss.fake_target)
        return _weighed_sum(loss.factor, real, fake)
    mean = ".mean()" if loss.average else ""
    real, fake = _to_target(loss, "real", 1.0), _to_target(loss, "fake", 0.0)
    return [f"real, fake = of_real - of_fake{mean}, of_fake - of_real{mean}", *_weighed_sum(loss.factor, real, fake)]


def _weighed_term(loss: Any) -> str:
    if loss.score == "probability":
        return f"((torch.log(of_fake) - torch.log(1 - of_fake)) ** 2).{loss.reduction}()"
    return _to_target(loss, "of_fake", loss.target)


def _to_target(loss: Any, values: str, target: float) -> str:
    if loss.score == "squares":
        return f"{_square(values, target)}.{loss.reduction}()"
    wanted = f"torch.full_like({values}, {number(target)})"
    return f"functional.binary_cross_entropy_with_logits({values}, {wanted}{_reduction(loss)})"


def _square(values: str, target: float) -> str:
    if target == 0:
        return f"({values}**2)"
    return f"(({values} {'-' if target > 0 else '+'} {number(abs(target))}) ** 2)"


def _times(factor: float, value: str, *, is_sum: bool) -> list[str]:
    if factor == 1:
        return [f"return {value}"]
    return [f"return {number(factor)} * {f'({value})' if is_sum else value}"]


def _logarithm(loss: Any, values: str, target: int) -> str:
    likelihood = values if target == 1 else f"1 - {values}"
    if loss.probability_floor is None:
        return f"torch.log({likelihood})"
    likelihood = values if target == 1 else f"({likelihood})"
    return f"torch.log({likelihood}.clamp(min={number(loss.probability_floor)}))"


def _is_custom_entropy(loss: Any) -> bool:
    is_entropy = isinstance(loss, spec.BinaryCrossEntropyDiscriminatorLoss | spec.BinaryCrossEntropyGeneratorLoss)
    return is_entropy and (loss.log_floor != -100 or loss.denominator_floor != 1e-12)


def _entropy(loss: Any, values: str, target: int) -> str:
    if _is_custom_entropy(loss):
        floors = f"{number(loss.log_floor)}, {number(loss.denominator_floor)}"
        return f"CrossEntropy.apply({values}, {target}, {floors}).{loss.reduction}()"
    wanted = f"torch.{'ones' if target == 1 else 'zeros'}_like({values})"
    return f"functional.binary_cross_entropy({values}, {wanted}{_reduction(loss)})"


def _reduction(loss: Any) -> str:
    return "" if loss.reduction == "mean" else ', reduction="sum"'


def _weighed_sum(factor: float, first: str, second: str) -> list[str]:
    return [f"on_real = {first}", f"on_fake = {second}", *_times(factor, "on_real + on_fake", is_sum=True)]
