"""What a framework has a default for: where it stands in a spec, and how to put another value there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.faults.places import (
    Place,
    layer_at,
    optimizer_of,
    replace_layer,
    replace_optimizer,
    replace_training,
)
from gan_rosetta.shared.spec import (
    ELU,
    GELU,
    Adadelta,
    Adam,
    BatchNorm,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    ClassEmbedding,
    ConstantRate,
    Conv2d,
    ConvTranspose2d,
    GanSpec,
    GlorotUniform,
    GroupNorm,
    Initializer,
    Layer,
    LeakyReLU,
    LearningRate,
    Linear,
    MinimaxDiscriminatorLoss,
    NonSaturatingGeneratorLoss,
    Normal,
    NormalDirection,
    Optimizer,
    RMSprop,
    SaturatingGeneratorLoss,
    Uniform,
    UniformFanIn,
)

_LOSSES = ("discriminator_loss", "generator_loss")
_STOPPING = MinimaxDiscriminatorLoss | NonSaturatingGeneratorLoss
_FADING = BinaryCrossEntropyDiscriminatorLoss | BinaryCrossEntropyGeneratorLoss
_STOPPING_KINDS: dict[str, Any] = dict(zip(_LOSSES, get_args(_STOPPING), strict=True))
_FADING_KINDS: dict[str, Any] = dict(zip(_LOSSES, get_args(_FADING), strict=True))


@dataclass(frozen=True, kw_only=True)
class InitialValues:
    """How a Linear or convolution starts; a layer without a bias stays without."""

    weight: Initializer
    bias: Initializer


@dataclass(frozen=True, kw_only=True)
class Clamp:
    """What keeps the logarithms of a loss on probabilities finite, in the form of a spec's loss that is truest to it.

    gradient: below the floor it "stops", as in the Minimax and NonSaturating losses with probability_floor, or "fades",
    as in the BinaryCrossEntropy losses with log_floor and denominator_floor. The saturating loss has the first form
    alone. summary: what the framework itself does.
    """

    summary: str
    gradient: Literal["stops", "fades"]
    probability_floor: float
    log_floor: float
    denominator_floor: float


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A choice that a framework makes unless told otherwise.

    values: what a spec has there, each distinct value once, in words; empty where the GAN has no such place.
    change: returns the spec with another value in every such place. describe: a value in words. remedy: a sentence that
    says what is wrong and what to change, with {found}, {framework} and {expected}.
    """

    name: str
    title: str
    values: Callable[[GanSpec], tuple[str, ...]]
    change: Callable[[GanSpec, Any], GanSpec]
    describe: Callable[[Any], str]
    remedy: str = ""

    def say(self, *, found: str, framework: str, expected: str) -> str:
        """Return the remedy, with a framework's value and the GAN's own."""
        text = self.remedy or "{title}: {found}, the default of {framework}; set {expected}."
        return text.format(
            title=self.title[0].upper() + self.title[1:], found=found, framework=framework, expected=expected
        )


def _field_of_layers(name: str, title: str, kind: type, field: str) -> Subject:
    def change(spec: GanSpec, value: Any) -> GanSpec:
        return _change_layers(spec, kind, lambda layer: replace(layer, **{field: value}))

    return Subject(
        name=name,
        title=title,
        values=lambda spec: _distinct(_plain(getattr(layer, field)) for layer in _layers(spec, kind)),
        change=change,
        describe=_plain,
    )


def _field_of_optimizers(name: str, title: str, kind: type, names: tuple[str, ...]) -> Subject:
    def change(spec: GanSpec, value: Any) -> GanSpec:
        values = value if len(names) > 1 else (value,)
        changes = dict(zip(names, values, strict=True))
        return _change_optimizers(spec, kind, lambda optimizer: _replaced(optimizer, changes))

    def describe_optimizer(optimizer: Any) -> str:
        return ", ".join(_plain(getattr(optimizer, field)) for field in names)

    return Subject(
        name=name,
        title=title,
        values=lambda spec: _distinct(describe_optimizer(optimizer) for optimizer in _optimizers(spec, kind)),
        change=change,
        describe=lambda value: ", ".join(map(_plain, value)) if len(names) > 1 else _plain(value),
    )


def _replaced(optimizer: Any, changes: Mapping[str, Any]) -> Any:
    """Return an optimizer with other fields, or as it is where they cannot stand beside its own."""
    try:
        return replace(optimizer, **changes)
    except SpecError:
        return optimizer


def _layers(spec: GanSpec, kind: type | tuple[type, ...]) -> list[Any]:
    networks = spec.networks().values()
    return [placed.layer for network in networks for placed in network.placed if isinstance(placed.layer, kind)]


def _change_layers(spec: GanSpec, kind: type | tuple[type, ...], change: Callable[[Any], Layer]) -> GanSpec:
    places: list[Place] = [
        (name, index)
        for name, network in spec.networks().items()
        for index, placed in enumerate(network.placed)
        if isinstance(placed.layer, kind)
    ]
    for place in places:
        spec = replace_layer(spec, place, change(layer_at(spec, place)))
    return spec


def _optimizers(spec: GanSpec, kind: type) -> list[Any]:
    every = (optimizer_of(spec, name) for name in ("discriminator", "generator", "joint", "pretraining"))
    return [optimizer for optimizer in every if isinstance(optimizer, kind)]


def _change_optimizers(spec: GanSpec, kind: type, change: Callable[[Any], Optimizer]) -> GanSpec:
    for name in (*spec.networks(), "joint", "pretraining"):
        optimizer = optimizer_of(spec, name)
        if isinstance(optimizer, kind):
            spec = replace_optimizer(spec, name, change(optimizer))
    return spec


def _change_initial_values(spec: GanSpec, value: InitialValues) -> GanSpec:
    def change(layer: Any) -> Layer:
        bias = None if layer.bias_init is None else value.bias
        changed: Layer = replace(layer, weight_init=value.weight, bias_init=bias)
        return changed

    return _change_layers(spec, _AFFINE, change)


def _initial_values(spec: GanSpec) -> tuple[str, ...]:
    layers = _layers(spec, _AFFINE)
    weights = _distinct(describe_initializer(layer.weight_init) for layer in layers)
    biases = _distinct(describe_initializer(layer.bias_init) for layer in layers if layer.bias_init is not None)
    return (*weights, *(f"bias {bias}" for bias in biases))


def describe_initializer(initializer: Initializer, /) -> str:
    """Return an initializer in a few signs."""
    if isinstance(initializer, Normal):
        return f"N({initializer.mean:g}, {initializer.standard_deviation:g}²)"
    if isinstance(initializer, Uniform):
        return f"U(±{initializer.bound:g})"
    if isinstance(initializer, UniformFanIn):
        return "U(±1/√fan_in)"
    if isinstance(initializer, GlorotUniform):
        return "Glorot uniform"
    if isinstance(initializer, NormalDirection):
        return "N(0, 1), divided by its length"
    return f"{initializer.value:g}"


def _clamps(spec: GanSpec) -> tuple[str, ...]:
    return _distinct(
        _clamp_text(loss)
        for loss in (getattr(spec.training, name) for name in _LOSSES)
        if isinstance(loss, _STOPPING | _FADING | SaturatingGeneratorLoss)
    )


def _clamp_text(loss: Any) -> str:
    if hasattr(loss, "log_floor"):
        return f"log ≥ {loss.log_floor:g}"
    return "plain logarithm" if loss.probability_floor is None else f"probability ≥ {loss.probability_floor:g}"


def _change_clamps(spec: GanSpec, value: Clamp) -> GanSpec:
    for name in _LOSSES:
        loss: Any = getattr(spec.training, name)
        if isinstance(loss, _STOPPING | _FADING):
            if value.gradient == "stops":
                kind, floors = _STOPPING_KINDS[name], {"probability_floor": value.probability_floor}
            else:
                kind = _FADING_KINDS[name]
                floors = {"log_floor": value.log_floor, "denominator_floor": value.denominator_floor}
            has_factor = any(field.name == "factor" for field in fields(kind))
            if not has_factor and getattr(loss, "factor", 1.0) != 1.0:  # which that loss has no word for
                continue
            weight = {"factor": loss.factor} if has_factor and hasattr(loss, "factor") else {}
            penalty = {"penalty": loss.penalty} if hasattr(loss, "penalty") else {}
            changed = kind(**floors, **weight, **penalty, reduction=loss.reduction, real_label=loss.real_label)
        elif isinstance(loss, SaturatingGeneratorLoss):
            changed = replace(loss, probability_floor=value.probability_floor)
        else:
            continue
        spec = replace_training(spec, **{name: changed})
    return spec


def _change_rate(spec: GanSpec, value: float) -> GanSpec:
    rate = ConstantRate(value=value)
    return _change_optimizers(spec, Adadelta, lambda optimizer: replace(optimizer, learning_rate=rate))


def _rate_text(rate: LearningRate) -> str:
    return _plain(rate.value) if isinstance(rate, ConstantRate) else f"changing from {_plain(rate.at(0))}"


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _distinct(values: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


_AFFINE = (Linear, Conv2d, ConvTranspose2d)
_REMEDY_OF_STARTS = (
    "Initial values are not those that were given, but drawn as {framework} draws them unless told "
    "otherwise ({found}): load those that were given."
)
SUBJECTS: dict[str, Subject] = {
    subject.name: subject
    for subject in (
        _field_of_optimizers("adam-betas", "Adam's β1, β2", Adam, ("beta1", "beta2")),
        _field_of_optimizers("adam-epsilon", "Adam's ε", Adam, ("epsilon",)),
        _field_of_optimizers("adam-epsilon-placement", "where Adam's ε stands", Adam, ("epsilon_placement",)),
        Subject(
            name="adadelta-learning-rate",
            title="Adadelta's learning rate",
            values=lambda spec: _distinct(_rate_text(o.learning_rate) for o in _optimizers(spec, Adadelta)),
            change=_change_rate,
            describe=_plain,
        ),
        _field_of_optimizers("adadelta-rho", "Adadelta's ρ", Adadelta, ("rho",)),
        _field_of_optimizers("adadelta-epsilon", "Adadelta's ε", Adadelta, ("epsilon",)),
        _field_of_optimizers("rmsprop-rho", "RMSprop's ρ", RMSprop, ("rho",)),
        _field_of_optimizers("rmsprop-epsilon", "RMSprop's ε", RMSprop, ("epsilon",)),
        _field_of_optimizers("rmsprop-epsilon-placement", "where RMSprop's ε stands", RMSprop, ("epsilon_placement",)),
        _field_of_layers("batch-norm-epsilon", "BatchNorm's ε", BatchNorm, "epsilon"),
        _field_of_layers("batch-norm-momentum", "BatchNorm's momentum, on the new value", BatchNorm, "momentum"),
        _field_of_layers("batch-norm-variance", "BatchNorm's running variance", BatchNorm, "running_variance"),
        Subject(
            name="bce-clamp",
            title="the clamp of binary cross entropy",
            values=_clamps,
            change=_change_clamps,
            describe=lambda clamp: str(clamp.summary),
        ),
        Subject(
            name="initial-values",
            remedy=_REMEDY_OF_STARTS,
            title="initial values of Linear and convolutions",
            values=_initial_values,
            change=_change_initial_values,
            describe=lambda v: f"{describe_initializer(v.weight)}, bias {describe_initializer(v.bias)}",
        ),
        Subject(
            name="embedding-values",
            remedy=_REMEDY_OF_STARTS,
            title="initial values of class embeddings",
            values=lambda spec: _distinct(describe_initializer(e.weight_init) for e in _layers(spec, ClassEmbedding)),
            change=lambda spec, value: _change_layers(
                spec, ClassEmbedding, lambda layer: replace(layer, weight_init=value)
            ),
            describe=describe_initializer,
        ),
        _field_of_layers("leaky-relu-slope", "LeakyReLU's slope", LeakyReLU, "slope"),
        _field_of_layers("group-norm-epsilon", "GroupNorm's ε", GroupNorm, "epsilon"),
        _field_of_layers("elu-alpha", "ELU's alpha", ELU, "alpha"),
        _field_of_layers("gelu-form", "what GELU is computed by", GELU, "form"),
    )
}
