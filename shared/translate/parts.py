"""What every dialect asks of a spec: lines of a network, turns, optimizers, and which of them are written out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gan_rosetta.shared.spec import (
    ConstantRate,
    GanSpec,
    GradientPenalty,
    Layer,
    MovingAverage,
    Optimizer,
    PlacedLayer,
    SpectralNorm,
    StepPattern,
)
from gan_rosetta.shared.spec.moving_average import WARM_UP
from gan_rosetta.shared.state import optimizers
from gan_rosetta.shared.translate.writing import literal, number

# The function of a program that names tensors as a state does, where layers are inside of branches.
IN_STATE = '''\
def in_state(name: str) -> str:
    """Return a tensor's name in a state, where blocks, branches and layers are joined by dots."""
    layer, _, tensor = name.rpartition(".")
    return f"{layer.rstrip('_').replace('_', '.')}.{tensor}"'''
_SHORT = {
    "pretraining": "p",
    "discriminator": "d",
    "generator": "g",
    "joint.generator": "joint_g",
    "joint.discriminator": "joint_d",
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A layer as a program has it.

    made: what is called to make it, as far as the bracket, and with which arguments; None where there is nothing to
    keep. applied: the expression of it, with {x} for what comes in. begins: whether it begins a line of its own, as
    what is made does unless it joins the layer before it. needs: functions that it calls. remark: a comment above it.
    between: what stands between the ends of branches, which come in for {x}. then: expressions of what comes of it
    after that, each on a line of its own.
    """

    applied: str
    made: tuple[str, list[str]] | None = None
    begins: bool = False
    joins: bool = False
    needs: tuple[str, ...] = ()
    remark: str = ""
    between: str = ""
    then: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OptimizerUse:
    """An optimizer of a program. name: as in the state's schema; short: p, d, g, joint_g or joint_d."""

    name: str
    short: str
    network: str
    optimizer: Optimizer


def pattern(turns: StepPattern, step: str, place: str, /) -> str:
    """Return the condition of a player's turn, "" where it has one in every step."""
    if turns.period == 1:
        return ""
    counted = f"{place if turns.counted == 'epoch' else step} % {number(turns.period)}"
    if len(turns.offsets) == 1:
        return f"{counted} == {number(turns.offsets[0])}"
    return f"{counted} in ({', '.join(map(number, turns.offsets))})"


def norm_words(penalty: GradientPenalty, /) -> str:
    """Return what a gradient penalty is, as a docstring has it."""
    place = "pixel by pixel" if penalty.norm == "channel" else "sample by sample"
    place = "where it is largest" if penalty.over == "largest" else place
    if penalty.target == 0:
        return f"the norm of D's gradient by its input, to the power {number(penalty.power)}, {place}"
    return f"how far the norm of D's gradient by its input is from {number(penalty.target)}, {place}"


def penalised_samples(penalty: GradientPenalty, /, *, fake: str, both: str) -> str:
    """Return the expression of the samples at which a penalty is taken. both: of two batches as one, {a} and {b}.

    Where they are perturbed it calls what perturbed_function writes.
    """
    if penalty.at == "perturbed":
        return 'perturbed(batch["real"], batch["mix"], batch["perturbation"])'
    real = 'batch["real"]'
    if penalty.at == "mixed":
        return f'batch["mix"] * {real} + (1 - batch["mix"]) * {fake}'
    return both.format(a=real, b=fake) if penalty.at == "both" else {"real": real, "fake": fake}[penalty.at]


def perturbed_function(penalty: GradientPenalty, /, *, tensor: str, deviation: str, moved: str) -> list[str]:
    """Return the function `perturbed`, where a penalty needs it. deviation, moved: of `real`, in a dialect's words."""
    if penalty.at != "perturbed":
        return []
    return [
        "\n".join(
            [
                f"def perturbed(real: {tensor}, mix: {tensor}, perturbation: {tensor}) -> {tensor}:",
                '    """Return real samples moved by a part of the deviation of all their numbers."""',
                *(f"    {line}" for line in deviation.splitlines()),
                f"    return {moved}",
            ]
        )
    ]


def place_of(spec: GanSpec, phase: str, stream: str, /) -> str:
    """Return the name of a pass of D, as its masks have it."""
    del spec
    return f"{phase}.{stream}.discriminator"


def optimizer_uses(spec: GanSpec, /) -> list[OptimizerUse]:
    """Return the optimizers of a program, that of the pretraining first."""
    return [
        OptimizerUse(name=name, short=_SHORT[name], network=network, optimizer=optimizer)
        for name, (network, optimizer) in optimizers(spec).items()
    ]


def joint_uses(spec: GanSpec, /) -> list[OptimizerUse]:
    """Return the optimizers of a third update of both players, G's first; none where there is no such update."""
    return [use for use in optimizer_uses(spec) if use.name.startswith("joint.")]


def step_results(spec: GanSpec, /) -> list[str]:
    """Return the names of what a step of a program returns."""
    score = ["real_score"] if spec.training.stop is not None else []
    return ["loss_d", "loss_g", *score, *(["loss_joint"] if joint_uses(spec) else [])]


def losses_kept(spec: GanSpec, /) -> str:
    """Return the statement of an empty list for each loss."""
    names = spec.loss_names if spec.pretraining is not None else spec.training.loss_names
    return literal("losses: dict[str, list[float]] = {", [f'"{name}": []' for name in names], "}")


def losses_appended(spec: GanSpec, /) -> list[str]:
    """Return the lines of a loop that keep the losses of a step, and print some."""
    joint = bool(joint_uses(spec))
    printed = "step {step}: D {loss_d:.4f}, G {loss_g:.4f}" + (", both {loss_joint:.4f}" if joint else "")
    return [
        '    losses["discriminator"].append(loss_d)',
        '    losses["generator"].append(loss_g)',
        *(['    losses["joint"].append(loss_joint)'] if joint else []),
        "    if step % 100 == 0:",
        f'        print(f"{printed}")',
    ]


def updates_said(spec: GanSpec, /) -> str:
    """Return what a step does, as a docstring has it."""
    first, second = ("G", "D") if spec.training.first == "generator" else ("D", "G")
    third = ", then both" if joint_uses(spec) else ""
    turns = "" if spec.training.trains_both_always else ", each where it is its turn"
    return f"Update {first}, then {second}{third}{turns}"


def spectral_forms(spec: GanSpec, /) -> dict[SpectralNorm, str]:
    """Return the spectral norms of a GAN's weights, each once, with a suffix for names of their code."""
    found = [
        norm
        for network in spec.networks().values()
        for layer in network.all_layers
        if (norm := getattr(layer, "spectral_norm", None)) is not None
    ]
    return {norm: str(place) if place > 1 else "" for place, norm in enumerate(dict.fromkeys(found), start=1)}


def has_spectral_norm(layer: Layer, /) -> bool:
    """Whether a layer's weight is under a spectral norm."""
    return getattr(layer, "spectral_norm", None) is not None


def decays(optimizer: Optimizer, counted: str, /) -> bool:
    """Whether a learning rate decays by "updates", or by "epochs"."""
    rate = optimizer.learning_rate
    return not isinstance(rate, ConstantRate) and rate.counted == counted


def begun_uses(spec: GanSpec, /) -> list[OptimizerUse]:
    """Return the optimizers that keep something, or look at how many steps they have taken."""
    return [use for use in optimizer_uses(spec) if use.optimizer.slots or decays(use.optimizer, "updates")]


def counts_generator(spec: GanSpec, /) -> bool:
    """Whether a moving average asks how many of G's updates came before."""
    average = spec.training.generator_average
    return average is not None and counts_updates(average)


def steps_before(name: str, /) -> str:
    """Return the expression of how many steps an optimizer had taken where a program begins. name: as in a state."""
    return f'int(state.get("optimizer.{name}.step", 0))'


def share_of(average: MovingAverage, count: str, /) -> str:
    """Return the expression of how far a moving average goes to G, after so many of G's updates."""
    decay = number(average.decay)
    if average.warm_up == "counted":
        decay = f"min({decay}, (1 + {count}) / ({WARM_UP} + {count}))"
    return f"1.0 if {count} < {number(average.start)} else 1 - {decay}" if average.start else f"1 - {decay}"


def pair(values: tuple[int, int], /) -> str:
    """Return a number for height and width, or both where they are two."""
    height, width = values
    return number(height) if height == width else f"({number(height)}, {number(width)})"


def inner(placed: PlacedLayer, /) -> list[str]:
    """Return the slices of a transposed convolution's whole output that are what is left of it, by height and width."""
    layer: Any = placed.layer
    befores = [margins[0] for margins in layer.margins]
    ends = [before + size for before, size in zip(befores, placed.output_shape[1:], strict=True)]
    return [f"{number(first) if first else ''}:{number(end)}" for first, end in zip(befores, ends, strict=True)]


def counts_updates(average: MovingAverage, /) -> bool:
    """Whether an average's share hangs on how many of G's updates came before."""
    return average.start > 0 or average.warm_up == "counted"


def forms_of(spec: GanSpec, is_own: Callable[[Optimizer], bool], /) -> dict[Optimizer, str]:
    """Return the optimizers that a framework has none of, each once, with the names of what is written for them."""
    forms: dict[Optimizer, str] = {}
    for use in optimizer_uses(spec):
        if not is_own(use.optimizer) and use.optimizer not in forms:
            kind = type(use.optimizer).__name__
            same = sum(type(other).__name__ == kind for other in forms)
            forms[use.optimizer] = f"{kind}{same + 1}" if same else kind
    return forms


def what_it_says(spec: GanSpec, /) -> str:
    """Return what D does, in words."""
    return {
        "probability": "Says how likely each sample is real",
        "logits": "Says how likely each sample is real, as two logits",
        "logit": "Says how likely each sample is real, as a logit",
        "critic": "Gives each sample a score, no probability",
        "squares": "Gives each sample a score, no probability",
    }[spec.training.discriminator_loss.score]
