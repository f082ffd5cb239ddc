"""What a spec is as data: fields that have their default are left out, so that older GANs keep their digests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import BatchNorm, Normal
from gan_rosetta.shared.spec.reader import build
from gan_rosetta.shared.spec.serialise import spec_digest, to_data
from gan_rosetta.shared.spec.toml_file import spec_from_toml, spec_to_toml

# Records and checkpoints hold them.
DIGESTS = {
    "gaussian-1d": "929cb6bf578cab39",
    "gaussian-1d-minibatch": "6c38e9d644428db3",
    "gaussian-1d-adam": "2a1ba723e77d7eb2",
    "gaussian-1d-adam-minibatch": "bc1f7234fba5ea89",
    "linear-2d": "ea61f2bfd636b189",
    "sine": "e30e82193e2f90a2",
    "mnist-conv": "a67b8adac8882d0a",
    "mnist-wgan-gp": "a7a891ad6d5e56da",
    "mnist-wgan-gp-sample": "3a37d94f6bf37a01",
}


@pytest.mark.parametrize(("name", "digest"), list(DIGESTS.items()))
def test_the_published_gans_keep_their_digests(name, digest):
    assert spec_digest(find_gan(name)).startswith(digest)


def test_a_default_is_left_out_and_read_again():
    plain, moved = Normal(standard_deviation=0.5), Normal(standard_deviation=0.5, mean=1.0)
    assert to_data(plain) == {"type": "Normal", "standard_deviation": 0.5}
    assert to_data(moved) == {"type": "Normal", "standard_deviation": 0.5, "mean": 1.0}
    for one in (plain, moved):
        assert build(Normal, to_data(one), name="one") == one


def test_a_batch_norm_that_starts_otherwise_is_another_gan():
    spec = find_gan("mnist-wgan-gp")
    start = Normal(standard_deviation=0.02, mean=1.0)
    layers = tuple(replace(at, weight_init=start) if isinstance(at, BatchNorm) else at for at in spec.generator.layers)
    changed = replace(spec, generator=replace(spec.generator, layers=layers))
    assert spec_digest(changed) != spec_digest(spec)
    assert spec_from_toml(spec_to_toml(changed), where="mine.toml") == changed
