"""Fingerprints of what a run was fed and of the states it went through."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from gan_rosetta.shared.interface import Chunk


class TapeDigest:
    """SHA-256 of each array of a tape, a chain from step to step: how chunks were cut does not matter.

    Each link is the SHA-256 of the one before and of the step's numbers, so that the digest of a run that was
    interrupted goes on from where it was. digests: of each array so far; next_steps: by phase, the step
    after the last one.
    """

    def __init__(
        self, digests: Mapping[str, str] | None = None, /, *, next_steps: Mapping[str, int] | None = None
    ) -> None:
        self._digests = dict(digests or {})
        self._next_steps = dict(next_steps or {})

    def update(self, chunk: Chunk, /) -> None:
        """Take in a chunk; raises ValueError unless it goes on where its phase's last one ended."""
        expected = self._next_steps.get(chunk.phase, chunk.first_step)
        if chunk.first_step != expected:
            raise ValueError(f"{chunk.phase} chunk starts at step {chunk.first_step}; expected step {expected}")
        self._next_steps[chunk.phase] = chunk.first_step + chunk.num_steps
        for name, array in chunk.arrays.items():
            link = self._digests.get(name, "")
            for step in array:
                digest = hashlib.sha256(link.encode())
                for part in _parts(step):
                    digest.update(part)
                link = digest.hexdigest()
            self._digests[name] = link

    @property
    def next_steps(self) -> dict[str, int]:
        """The step after the last one, by phase."""
        return dict(self._next_steps)

    def hexdigests(self) -> dict[str, str]:
        """Return the SHA-256 of each array so far, by name."""
        return {name: self._digests[name] for name in sorted(self._digests)}

    def hexdigest(self) -> str:
        """Return one SHA-256 over the names and digests of all arrays so far."""
        lines = "".join(f"{name} {digest}\n" for name, digest in self.hexdigests().items())
        return hashlib.sha256(lines.encode()).hexdigest()


def state_digest(state: Mapping[str, np.ndarray], /) -> str:
    """Return the SHA-256 over the tensors' names, shapes, types and bytes, in order of name."""
    digest = hashlib.sha256()
    for name in sorted(state):
        kind, numbers = _parts(state[name])
        digest.update(f"{name} {len(kind) + numbers.nbytes} ".encode())
        digest.update(kind)
        digest.update(numbers)
    return digest.hexdigest()


def _parts(array: np.ndarray) -> tuple[bytes, memoryview]:
    """Return the words for an array's type and shape, and its numbers, those of a state without a copy."""
    little_endian = array.dtype.newbyteorder("<")
    kind = f"{little_endian.str} {array.shape} ".encode()
    whole = np.ascontiguousarray(array.astype(little_endian, copy=False))
    # Of other kinds, such as a file may have that is none of ours, NumPy shows no memory.
    return kind, whole.data if whole.dtype.kind in "biuf" else memoryview(whole.tobytes())
