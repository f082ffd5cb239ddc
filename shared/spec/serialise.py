"""A spec as plain data: nested dictionaries whose "type" names the dataclass, for records and for hashing.

A field that has its default is left out: the vocabulary then grows by fields whose default is what was meant before
there were any, and no digest, file or record of an older GAN changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from gan_rosetta.shared.spec.gan import GanSpec


def to_data(value: Any, /) -> Any:
    """Return a spec, or a part of one, as dictionaries, lists, strings and numbers."""
    if is_dataclass(value) and not isinstance(value, type):
        entries = {name: to_data(entry) for name, entry in told_fields(value)}
        return {"type": type(value).__name__, **entries}
    if isinstance(value, tuple):
        return [to_data(entry) for entry in value]
    return value


def told_fields(value: Any, /) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a part of a spec that have to be told, with their values: those not at their defaults."""
    for field in fields(value):
        entry = getattr(value, field.name)
        if entry != field.default:
            yield field.name, entry


def spec_digest(spec: GanSpec, /) -> str:
    """Return the SHA-256 of what a spec computes: everything but its name, its texts and its numbers of steps."""
    data = to_data(spec.with_steps(pretraining=1, training=1))
    for text in ("name", "title", "source"):
        del data[text]
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
