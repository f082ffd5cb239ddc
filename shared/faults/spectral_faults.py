"""Mistakes in spectral normalisation, and in the hinge loss that comes with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gan_rosetta.shared.faults.fault import Fault, Location, Plant
from gan_rosetta.shared.faults.places import (
    Place,
    find_layers,
    layer_at,
    layer_name,
    loss_of,
    output_of,
    replace_layer,
    replace_training,
)
from gan_rosetta.shared.spec import (
    Conv2d,
    ConvTranspose2d,
    GanSpec,
    HingeDiscriminatorLoss,
    Linear,
    SpectralNorm,
    WassersteinDiscriminatorLoss,
)

_ORDERS = {"v": "v, and then u", "u": "u, and then v"}


def _plants(
    spec: GanSpec,
    change: Callable[[SpectralNorm], SpectralNorm],
    words: Callable[[SpectralNorm], str],
    *,
    of_vectors: bool,
) -> list[Plant]:
    """Return a plant of another norm in each layer that has one.

    of_vectors: whether the change is of how u and v move, which is nothing to a single row or column: one move ends it.
    """

    def has_norm(layer: Linear | Conv2d | ConvTranspose2d) -> bool:
        sizes = [buffer.shape[0] for buffer in layer.buffers().values()]
        return bool(sizes) and (not of_vectors or min(sizes) > 1)

    kinds = (Linear, Conv2d, ConvTranspose2d)
    return [_plant(spec, place, change, words) for place in find_layers(spec, kinds, where=has_norm)]


def _plant(
    spec: GanSpec,
    place: Place,
    change: Callable[[SpectralNorm], SpectralNorm],
    words: Callable[[SpectralNorm], str],
) -> Plant:
    layer = layer_at(spec, place)
    changed, name = change(layer.spectral_norm), layer_name(spec, place)
    expected = output_of(spec, place)
    if changed.sigma_gradient != layer.spectral_norm.sigma_gradient:
        # The pass is right, and first its gradient wrong.
        expected = Location(phase=expected.phase, quantities=("gradient",), names=(f"{name}.weight",))
    return Plant(
        spec=replace_layer(spec, place, replace(layer, spectral_norm=changed)),
        expected=expected,
        place=f"the spectral norm of {name}",
        found=words(changed),
        expected_value=words(layer.spectral_norm),
    )


def _sigma_constant(spec: GanSpec) -> list[Plant]:
    return _plants(
        spec,
        lambda norm: replace(norm, sigma_gradient="constant" if norm.sigma_gradient == "followed" else "followed"),
        lambda norm: "for a constant" if norm.sigma_gradient == "constant" else "as a function of the weight",
        of_vectors=False,
    )


def _other_order(spec: GanSpec) -> list[Plant]:
    return _plants(
        spec,
        lambda norm: replace(norm, first="u" if norm.first == "v" else "v"),
        lambda norm: _ORDERS[norm.first],
        of_vectors=True,
    )


def _iterated_twice(spec: GanSpec) -> list[Plant]:
    return _plants(
        spec,
        lambda norm: replace(norm, num_iterations=2 if norm.num_iterations == 1 else 1),
        lambda norm: "once" if norm.num_iterations == 1 else f"{norm.num_iterations} times",
        of_vectors=True,
    )


def _without_margins(spec: GanSpec) -> list[Plant]:
    loss = spec.training.discriminator_loss
    if not isinstance(loss, HingeDiscriminatorLoss):
        return []
    changed = WassersteinDiscriminatorLoss(penalty=None, reduction=loss.reduction, real_label=loss.real_label)
    expected = loss_of("discriminator")
    return [Plant(spec=replace_training(spec, discriminator_loss=changed), expected=expected)]


FAULTS = (
    Fault(
        name="spectral-sigma-constant",
        summary="no gradient through the σ that a spectral norm divides by",
        remedy="{place} takes σ {found} where it differentiates: take it {expected}. Keras's SpectralNormalization "
        "overwrites its kernel with W / σ, so that σ has no part in the gradient.",
        plants=_sigma_constant,
        together="every spectral norm",
    ),
    Fault(
        name="spectral-order",
        summary="a spectral norm moves u before v",
        remedy="{place} moves {found}: move {expected}. torch's parametrization moves u first, its older hook, "
        "Keras and the paper v.",
        plants=_other_order,
        together="every spectral norm",
    ),
    Fault(
        name="spectral-iterations",
        summary="two power iterations in each pass in place of one",
        remedy="{place} iterates {found} in each pass: iterate {expected}.",
        plants=_iterated_twice,
        together="every spectral norm",
    ),
    Fault(
        name="hinge-without-margins",
        summary="the hinge loss without its margins, a Wasserstein loss",
        remedy="The discriminator's loss is -D(real) + D(fake) for every sample: hold each of its two terms at 0, "
        "max(0, 1 - D(real)) + max(0, 1 + D(fake)).",
        plants=_without_margins,
    ),
)
