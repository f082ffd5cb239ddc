"""States in .safetensors files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from shared.errors import StateError
from shared.harness.files import write_bytes
from shared.spec import GanSpec
from shared.state.check import complete_state
from shared.state.initial import State

METADATA_KEY = "gan_rosetta"


def write_state(path: Path, state: Mapping[str, np.ndarray], /, *, metadata: Mapping[str, str]) -> None:
    """Write a state to a file, atomically; raises StateError where that fails. The same state gives the same bytes.

    metadata: stands in the header as JSON under METADATA_KEY. One key, since safetensors writes several in any order.
    """
    # Not ascontiguousarray, which would turn the counters' shape () into (1,).
    tensors = {name: np.asarray(array, order="C") for name, array in state.items()}
    header = {METADATA_KEY: json.dumps(dict(metadata), sort_keys=True, ensure_ascii=False)}
    content = safetensors.numpy.save(tensors, metadata=header)
    try:
        write_bytes(path, content)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror or error}; name another file") from error


def read_state(path: Path, spec: GanSpec, /) -> State:
    """Read a whole state of the GAN, of any floating type; what complete_state may add is added.

    Raises StateError where the file is absent, no safetensors file, truncated, or holds another GAN's state.
    """
    try:
        tensors = safetensors.numpy.load(path.read_bytes())
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror or error}; expected a .safetensors file") from error
    except safetensors.SafetensorError as error:
        raise StateError(f"{path} is not a whole .safetensors file ({error}); write or copy it again") from error
    except (KeyError, TypeError, AttributeError) as error:  # What the reader raises differs from version to version.
        wanted = "float64 or float32 tensors and int64 counters"
        raise StateError(f"{path} has a type that NumPy lacks ({error}); expected {wanted}; convert it") from error
    try:
        # Sorted, since the reader's order differs from call to call, and a message should not.
        return complete_state(dict(sorted(tensors.items())), spec)
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
