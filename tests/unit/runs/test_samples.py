"""What a trained GAN is looked at by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.samples import discriminate
from gan_rosetta.shared.spec import BatchNorm, GanSpec


class Recorder:
    """A trainer whose D says how many samples it saw at once, and which."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        self.seen.append(samples)
        return samples * 2


def normalised() -> GanSpec:
    """linear-2d in batches of 4 with a BatchNorm in D."""
    spec = find_gan("linear-2d")
    norm = BatchNorm(
        name="norm1", num_features=2, epsilon=1e-5, momentum=0.1, running_variance="unbiased", statistics="batch"
    )
    discriminator = replace(spec.discriminator, layers=(norm, *spec.discriminator.layers))
    return replace(spec, discriminator=discriminator, batch_size=4)


def test_no_sample_is_left_alone_to_a_batch_norm() -> None:
    trainer, samples = Recorder(), np.arange(18.0).reshape(9, 2)
    np.testing.assert_array_equal(discriminate(trainer, normalised(), samples), samples * 2)
    assert [len(part) for part in trainer.seen] == [4, 4, 4]
    np.testing.assert_array_equal(trainer.seen[-1], samples[-4:])


def test_other_rests_are_looked_at_as_they_are() -> None:
    for count, parts in ((8, [4, 4]), (10, [4, 4, 2]), (4, [4]), (3, [3])):
        trainer, samples = Recorder(), np.ones((count, 2))
        assert discriminate(trainer, normalised(), samples).shape == (count, 2)
        assert [len(part) for part in trainer.seen] == parts
    trainer = Recorder()
    discriminate(trainer, find_gan("linear-2d"), np.ones((9, 2)))
    assert [len(part) for part in trainer.seen] == [9]
