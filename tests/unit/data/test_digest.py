"""Fingerprints of tapes and states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.data.digest import TapeDigest, state_digest
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, chunks
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.interface import Chunk


def digest_of(name: str, *, size: int, seed: int = 0, stop: int = 90) -> TapeDigest:
    spec = find_gan(name)
    tape = SeededTape(spec, seed=seed, digits=DigitSource.parse(None))
    digest = TapeDigest()
    if spec.pretraining is not None:
        for chunk in chunks(tape, spec, "pretraining", first_step=0, stop=10, size=size):
            digest.update(chunk)
    for chunk in chunks(tape, spec, "adversarial", first_step=0, stop=stop, size=size):
        digest.update(chunk)
    return digest


@pytest.mark.parametrize("name", ["gaussian-1d", "linear-2d", "mnist-wgan-gp"])
def test_cuts_do_not_matter_but_content_does(name):
    whole = digest_of(name, size=90)
    for size in (1, 13):
        cut = digest_of(name, size=size)
        assert cut.hexdigests() == whole.hexdigests()
        assert cut.hexdigest() == whole.hexdigest()
    for other in (digest_of(name, size=90, seed=1), digest_of(name, size=90, stop=89)):
        changed = {array for array, digest in other.hexdigests().items() if digest != whole.hexdigests()[array]}
        assert changed >= {"real", "latent_d"}
        assert other.hexdigest() != whole.hexdigest()


def chunk_of(first_step: int, **arrays: np.ndarray) -> Chunk:
    num_steps = len(next(iter(arrays.values())))
    trains = np.ones(num_steps, dtype=bool)
    return Chunk(
        phase="adversarial",
        first_step=first_step,
        arrays=arrays,
        trains_discriminator=trains,
        trains_generator=trains,
    )


def hexdigest(*fed: Chunk) -> str:
    digest = TapeDigest()
    for chunk in fed:
        digest.update(chunk)
    return digest.hexdigest()


def test_what_counts():
    array = np.arange(6.0).reshape(1, 3, 2)
    plain = hexdigest(chunk_of(0, real=array, mix=array))
    assert plain == hexdigest(chunk_of(0, mix=array.copy(), real=array.copy(order="F")))
    different = [
        chunk_of(0, real=array),
        chunk_of(0, real=array, latent_d=array),
        chunk_of(0, real=array, mix=np.nextafter(array, 9)),
        chunk_of(0, real=array, mix=array.reshape(1, 2, 3)),
        chunk_of(0, real=array, mix=array.astype(np.float32)),
        chunk_of(0, real=array, mix=np.repeat(array, 2, axis=0)),
    ]
    assert len({plain, *map(hexdigest, different)}) == 1 + len(different)


def test_chunks_must_come_in_order():
    array = np.zeros((2, 3, 1))
    digest = TapeDigest()
    digest.update(chunk_of(4, real=array))
    digest.update(chunk_of(6, real=array))
    for first_step in (6, 9):
        with pytest.raises(ValueError, match="expected step 8"):
            digest.update(chunk_of(first_step, real=array))
    digest.update(replace(chunk_of(0, pretrain_input=array), phase="pretraining"))


def test_a_digest_can_be_asked_on_the_way():
    array = np.zeros((1, 3, 1))
    digest = TapeDigest()
    digest.update(chunk_of(0, real=array))
    assert digest.hexdigest() == hexdigest(chunk_of(0, real=array))
    digest.update(chunk_of(1, real=array))
    assert digest.hexdigest() == hexdigest(chunk_of(0, real=np.zeros((2, 3, 1))))


def test_state_digest():
    state = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(3)}
    plain = state_digest(state)
    assert plain == state_digest({"b": np.array(3), "a": state["a"].copy(order="F")})
    assert plain == state_digest(state | {"a": state["a"].astype(">f8")})
    different = [
        {"a": state["a"]},
        state | {"a": state["a"].T.copy()},
        state | {"a": state["a"].reshape(3, 2)},
        state | {"a": state["a"].astype(np.float32)},
        state | {"a": -state["a"]},
        state | {"b": np.array(4)},
        state | {"b": np.array(3).view("f8")},
        state | {"b": np.array([3])},
        {"a": state["a"], "c": state["b"]},
    ]
    assert len({plain, *map(state_digest, different)}) == 1 + len(different)
