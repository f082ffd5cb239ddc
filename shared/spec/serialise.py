"""A spec as plain data: nested dictionaries whose "type" names the dataclass, for records and for hashing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass
from typing import Any

from gan_rosetta.shared.spec.gan import GanSpec


def to_data(value: Any, /) -> Any:
    """Return a spec, or a part of one, as dictionaries, lists, strings and numbers."""
    if is_dataclass(value) and not isinstance(value, type):
        entries = {field.name: to_data(getattr(value, field.name)) for field in fields(value)}
        return {"type": type(value).__name__, **entries}
    if isinstance(value, tuple):
        return [to_data(entry) for entry in value]
    return value


def spec_digest(spec: GanSpec, /) -> str:
    """Return the SHA-256 of what a spec computes: everything but its name, its texts and its numbers of steps."""
    data = to_data(spec.with_steps(pretraining=1, training=1))
    for text in ("name", "title", "source"):
        del data[text]
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
