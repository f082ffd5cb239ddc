"""The catalogue of GANs. To add one: a file in this folder that ends in SPEC, and a line in CATALOGUE."""

from __future__ import annotations

from gan_rosetta.shared.errors import unknown_name
from gan_rosetta.shared.gans import (
    acgan,
    began,
    cgan,
    context_encoder,
    dcgan,
    dcgan_keras,
    dragan,
    ebgan,
    gaussian_1d,
    gaussian_1d_adam,
    infogan,
    linear_2d,
    lsgan,
    made_up,
    mnist_conv,
    mnist_wgan_gp,
    relativistic,
    sagan_small,
    sgan,
    sine,
    sngan,
    wgan,
    wgan_gp,
    wgan_gp_conv,
)
from gan_rosetta.shared.spec import GanSpec

# The nine that are compared, measured and drawn unless others are named.
PUBLISHED: dict[str, GanSpec] = {
    spec.name: spec
    for spec in (
        gaussian_1d.SPEC,
        gaussian_1d.MINIBATCH_SPEC,
        gaussian_1d_adam.SPEC,
        gaussian_1d_adam.MINIBATCH_SPEC,
        linear_2d.SPEC,
        sine.SPEC,
        mnist_conv.SPEC,
        mnist_wgan_gp.SPEC,
        mnist_wgan_gp.SAMPLE_SPEC,
    )
}
_MORE = (wgan.SPEC, lsgan.SPEC, cgan.SPEC, sngan.SPEC, relativistic.SPEC)
# Made of the same parts as others, which the laws reach there: tried on these too with GAN_ROSETTA_LONG=1.
OF_KNOWN_PARTS: dict[str, GanSpec] = {
    spec.name: spec
    for spec in (
        acgan.SPEC,
        wgan_gp.SPEC,
        wgan_gp_conv.SPEC,
        dcgan.SPEC,
        dcgan_keras.SPEC,
        sagan_small.SPEC,
        sgan.SPEC,
        dragan.SPEC,
        ebgan.SPEC,
        began.SPEC,
        context_encoder.SPEC,
        infogan.SPEC,
    )
}
CATALOGUE: dict[str, GanSpec] = PUBLISHED | {spec.name: spec for spec in _MORE} | OF_KNOWN_PARTS
# Found under no name by commands: what laws and planted faults reach beside the catalogue's.
MADE_UP: dict[str, GanSpec] = {spec.name: spec for spec in made_up.SPECS}


def find_gan(name: str, /) -> GanSpec:
    """Return the GAN of that name; raises UsageError, with the nearest name, where there is none."""
    if name not in CATALOGUE:
        raise unknown_name("GAN", name, CATALOGUE)
    return CATALOGUE[name]
