"""Counter-based random numbers: the value at (seed, label, step) costs the same wherever step lies.

Philox 4x64 (Salmon et al. 2011) turns a key and a counter into four 64-bit words. The key comes from the seed and the
label of the array; step t owns a block of counters. Normals come from uniforms by the inverse of the normal
distribution, since a rejection method would consume a varying number of words.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

_WORDS_PER_COUNTER = 4


def uniform(seed: int, label: str, /, *, first_step: int, num_steps: int, size: int) -> NDArray[np.float64]:
    """Return uniforms in the open interval (0, 1), shape (num_steps, size), multiples of 2⁻⁵² plus half of one."""
    counters = -(-size // _WORDS_PER_COUNTER)
    generator = np.random.Philox(key=_key(seed, label))
    generator.advance(first_step * counters)
    words = generator.random_raw(num_steps * counters * _WORDS_PER_COUNTER)
    words = words.reshape(num_steps, counters * _WORDS_PER_COUNTER)[:, :size]
    # 52 bits, not 53: with a half added, 53 would round, and the largest of them to 1.
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def normal(seed: int, label: str, /, *, first_step: int, num_steps: int, size: int) -> NDArray[np.float64]:
    """Return N(0, 1) numbers, shape (num_steps, size)."""
    result: NDArray[np.float64] = ndtri(uniform(seed, label, first_step=first_step, num_steps=num_steps, size=size))
    return result


def permutation(seed: int, label: str, /, *, epoch: int, size: int) -> NDArray[np.int64]:
    """Return a random order of range(size) for one epoch, shape (size,)."""
    keys = uniform(seed, label, first_step=epoch, num_steps=1, size=size)[0]
    return np.argsort(keys, kind="stable").astype(np.int64)


def _key(seed: int, label: str) -> NDArray[np.uint64]:
    digest = hashlib.sha256(f"gan-rosetta/{seed}/{label}".encode()).digest()
    return np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
