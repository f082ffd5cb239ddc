"""Which networks may be given two batches in one."""

from __future__ import annotations

import pytest

from gan_rosetta.shared.gans import CATALOGUE

SAMPLEWISE_DISCRIMINATORS = {
    "gaussian-1d",
    "gaussian-1d-adam",
    "linear-2d",
    "sine",
    "mnist-wgan-gp",
    "mnist-wgan-gp-sample",
    "wgan",
    "cgan",
    "wgan-gp",
    "wgan-gp-conv",
    "dcgan-keras",
    "context-encoder",
}


@pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.name)
def test_a_network_is_samplewise_unless_a_layer_looks_at_the_batch(spec) -> None:
    assert spec.discriminator.is_samplewise == (spec.name in SAMPLEWISE_DISCRIMINATORS)
