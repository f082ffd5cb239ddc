"""Makes a failing GAN smaller while it keeps failing: fewer layers and units, and the plainest value of each field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.generate.fitting import fitted_network
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Adadelta,
    Adagrad,
    Adam,
    BatchNorm,
    Branches,
    ConstantRate,
    DigitsReal,
    GanSpec,
    GaussianReal,
    GradientDescent,
    GroupNorm,
    Layer,
    LinearGaussianReal,
    NormalLatent,
    RMSprop,
    Shape,
    UniformFanIn,
)

_PLAIN_OPTIMIZER = GradientDescent(learning_rate=ConstantRate(value=0.01))
_PLAIN_REAL = GaussianReal(mean=1.0, standard_deviation=1.0, sort=False)
_PLAIN_TRAINING: dict[str, Any] = {
    "distance_loss": None,
    "first": "discriminator",
    "fake_batch": "regenerated",
    "latent_draws": "shared",
    "detach_fake": True,
    "discriminator_steps": EVERY_STEP,
    "generator_steps": EVERY_STEP,
    "weight_clipping": None,
    "generator_average": None,
    "discriminator_clipping": None,
    "generator_clipping": None,
    "steps_per_batch": 1,
    "dropout_masks": "separate",
    "stop": None,
    "discriminator_optimizer": _PLAIN_OPTIMIZER,
    "generator_optimizer": _PLAIN_OPTIMIZER,
}
_AT_ONCE = 8
Change = Callable[[], GanSpec]
# The plainest values of fields, tried one by one; later ones are larger.
_PLAIN_FIELDS: dict[str, tuple[Any, ...]] = {
    "weight_init": (UniformFanIn(),),
    "bias_init": (None, UniformFanIn()),
    "out_features": (1, 2, 3),
    "out_channels": (1, 2),
    "num_kernels": (1,),
    "kernel_dims": (1,),
    "kernel_size": (1, 2),
    "stride": (1,),
    "padding": (0,),
    "kernel_width": (None,),
    "sides": (None,),
    "dilation": (1,),
    "groups": (1,),
    "output_padding": (0,),
    "slope": (0.2,),
    "alpha": (1.0,),
    "num_groups": (1,),
    "affine": (False,),
    "form": ("erf",),
    "epsilon": (1e-5,),
    "momentum": (0.1,),
    "running_variance": ("unbiased",),
    "statistics": ("batch",),
    "self_distance": (True,),
    "reduction": ("mean",),
    "real_label": (1,),
    "probability_floor": (None,),
    "log_floor": (-100.0,),
    "denominator_floor": (1e-12,),
    "penalty": (None,),
    "weight": (1.0,),
    "norm": ("sample",),
    "learning_rate": (ConstantRate(value=0.01),),
    "beta1": (0.9,),
    "beta2": (0.999,),
    "epsilon_placement": ("outside",),
    "bias_correction": (True,),
    "centered": (False,),
    "amsgrad": ("no",),
    "nesterov": (False,),
    "weight_decay": (None,),
    "initial_sum": (0.0,),
    "momentum_of": ("direction",),
    "rho": (0.9,),
    "redraw": ("step",),
    "decay": (0.5,),
    "start": (0,),
    "warm_up": ("none",),
    "buffers": ("copied",),
    "sort": (False,),
    "reshuffle": (False,),
    "short_batch": ("kept",),
    "spectral_norm": (None,),
    "num_channels": (1,),
    "probability": (0.0, 0.5),
    "unit": ("entry",),
    "joined": ("after",),
    "num_features": (1,),
    "factor": (1,),
    "mode": ("nearest",),
    "real_target": (1.0,),
    "fake_target": (0.0,),
    "target": (1.0,),
}
_PLAIN_EPSILONS = {Adam: 1e-8, Adadelta: 1e-6, RMSprop: 1e-8, Adagrad: 1e-10}


def shrink(spec: GanSpec, fails: Callable[[Sequence[GanSpec]], Sequence[bool]], /, *, max_checks: int = 400) -> GanSpec:
    """Return a smaller GAN that fails too, greedily: of each round's candidates the first that fails.

    fails: says of each of a few GANs whether it fails. max_checks: how many GANs it is asked about at most.
    """
    seen = {spec}
    checks = 0
    while checks < max_checks:
        for group in _groups(candidate for candidate in smaller(spec) if candidate not in seen):
            seen.update(group)
            checks += len(group)
            found = next((s for s, failed in zip(group, fails(group), strict=True) if failed), None)
            if found is not None or checks >= max_checks:
                break
        else:
            break
        spec = found if found is not None else spec
    return spec


def smaller(spec: GanSpec, /) -> Iterator[GanSpec]:
    """Yield valid GANs that are a little simpler, the boldest changes first."""
    for change in _changes(spec):
        try:
            candidate = change()
        except SpecError:
            continue
        if candidate != spec and not _leaves_one(candidate):
            yield candidate


def _leaves_one(spec: GanSpec) -> bool:
    """Whether an epoch ends in a batch of one that a BatchNorm cannot take: a fault of the GAN, not of a backend."""
    source = spec.real
    if isinstance(source, LinearGaussianReal):
        count = source.num_points
    else:
        count = source.num_images or 0 if isinstance(source, DigitsReal) else 0
    return count % spec.batch_size == 1 and spec.batch_norm_of_one(1) is not None


def _groups(specs: Iterable[GanSpec]) -> Iterator[list[GanSpec]]:
    group: list[GanSpec] = []
    for spec in specs:
        group.append(spec)
        if len(group) == _AT_ONCE:
            yield group
            group = []
    if group:
        yield group


def _changes(spec: GanSpec) -> Iterator[Change]:
    """Yield functions and not specs, since what they build may not be valid."""
    yield partial(replace, spec, pretraining=None)
    if spec.real != _PLAIN_REAL:
        yield partial(_on_numbers, spec)
    for name, network in spec.networks().items():
        for count in range(len(network.layers), 0, -1):
            for start in range(len(network.layers) - count + 1):
                layers = network.layers[:start] + network.layers[start + count :]
                yield partial(_with_layers, spec, name, layers)
        yield from _fewer_in_branches(spec, name)
    for size in range(1, min(spec.batch_size, 5)):
        yield partial(replace, spec, batch_size=size)
    yield from _training_changes(spec)
    if spec.latent.sample_shape != (1,):
        yield partial(_with_latent, spec, (1,))
    yield partial(_with_latent, spec, spec.latent.sample_shape)
    for name, network in spec.networks().items():
        for place, placed in enumerate(network.placed):
            for other in _simpler(placed.layer):
                yield partial(_with_others, spec, name, place, (other,))
    for field in ("discriminator_loss", "generator_loss", "discriminator_optimizer", "generator_optimizer"):
        for other in _simpler(getattr(spec.training, field)):
            yield partial(_with_training, spec, field, other)


def _without_joint(spec: GanSpec) -> GanSpec:
    """Return a GAN whose players have no third update together."""
    changes: dict[str, Any] = {
        field: replace(loss, of_joint=0.0)
        for field in ("class_loss", "second_class_loss")
        if (loss := getattr(spec.training, field)) is not None
    }
    return replace(spec, training=replace(spec.training, joint_optimizer=None, **changes))


def _fewer_in_branches(spec: GanSpec, name: str) -> Iterator[Change]:
    """Yield what puts one branch in place of a block, and what leaves a layer of a branch out."""
    for place, placed in enumerate(spec.networks()[name].placed):
        if isinstance(placed.layer, Branches):
            for branch in placed.layer.branches:
                yield partial(_with_others, spec, name, place, branch.layers)
        if "branches" in placed.path:
            yield partial(_with_others, spec, name, place, ())


def _training_changes(spec: GanSpec) -> Iterator[Change]:
    for steps in range(1, spec.training.num_steps):
        yield partial(spec.with_steps, training=steps)
    if spec.training.joint_optimizer is not None:
        yield partial(_without_joint, spec)
    for field, value in _PLAIN_TRAINING.items():
        yield partial(_with_training, spec, field, value)
    if spec.pretraining is not None and spec.pretraining.num_steps:
        yield partial(spec.with_steps, pretraining=1)
        yield partial(replace, spec, pretraining=replace(spec.pretraining, optimizer=_PLAIN_OPTIMIZER))


def _with_training(spec: GanSpec, field: str, value: Any) -> GanSpec:
    changes: dict[str, Any] = {field: value}
    return replace(spec, training=replace(spec.training, **changes))


def _simpler(part: Any) -> Iterator[Any]:
    for field in fields(part):
        now = getattr(part, field.name)
        values = _PLAIN_FIELDS.get(field.name, ())
        if isinstance(part, BatchNorm | GroupNorm) and field.name == "weight_init":
            values = (field.default,)
        if field.name == "epsilon":
            values = (_PLAIN_EPSILONS.get(type(part), 1e-5),)
        if now in values:
            values = values[: values.index(now)]
        for value in values:
            plainer = not isinstance(now, int) or isinstance(now, bool) or value is None or value < now
            if plainer or field.name == "real_label":
                try:
                    other = replace(part, **{field.name: value})
                except SpecError:
                    continue
                yield other


def _with_latent(spec: GanSpec, shape: Shape) -> GanSpec:
    generator = fitted_network(spec.generator.layers, shape, spec.generator.output_shape)
    real = spec.real
    if isinstance(real, DigitsReal) and real.part is not None:
        real = replace(real, size=real.part, part=None)
    return replace(spec, real=real, latent=NormalLatent(shape=shape, redraw="step"), generator=generator)


def _on_numbers(spec: GanSpec) -> GanSpec:
    """Return the GAN with single numbers in place of its samples."""
    shape = _PLAIN_REAL.sample_shape
    generator = fitted_network(spec.generator.layers, spec.generator.input_shape, shape)
    discriminator = fitted_network(spec.discriminator.layers, shape, spec.discriminator.output_shape)
    return replace(spec, real=_PLAIN_REAL, generator=generator, discriminator=discriminator)


def _with_others(spec: GanSpec, name: str, place: int, layers: tuple[Layer, ...]) -> GanSpec:
    """Return the GAN with others in one layer's place, which may be inside of branches."""
    return _with_layers(spec, name, spec.networks()[name].layers_with(place, *layers))


def _with_layers(spec: GanSpec, name: str, layers: tuple[Layer, ...]) -> GanSpec:
    network = spec.networks()[name]
    changes: dict[str, Any] = {name: fitted_network(layers, network.input_shape, network.output_shape)}
    return replace(spec, **changes)
