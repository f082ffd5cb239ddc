"""Chunks of many replicas as one, whose arrays have an axis of the replicas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from gan_rosetta.shared.interface import Chunk


def stack_chunks(chunks: Mapping[int, Chunk], num_replicas: int, /) -> Chunk:
    """Return a chunk of the arrays of all replicas, (K, R, batch, ...); one that rests is fed as another is."""
    anyone = next(iter(chunks.values()))
    arrays = {
        name: np.stack([chunks.get(replica, anyone).arrays[name] for replica in range(num_replicas)], axis=1)
        for name in anyone.arrays
    }
    return replace(anyone, arrays=arrays)
