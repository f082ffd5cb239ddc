"""Ways to spoil a file: bytes, and the parts of JSON and of archives, from a seeded generator."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np

_STRANGE: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**30,
    -(10**400),
    1e308,
    float("nan"),
    float("-inf"),
    "",
    "../../etc/passwd",
    "\u0000",
    "x" * 10_000,
    [],
    {},
    [[[[[[]]]]]],
    {"a": {"b": []}},
)
_ARRAYS: tuple[Callable[[], np.ndarray], ...] = (
    lambda: np.zeros(0),
    lambda: np.array(np.nan),
    lambda: np.full((3, 4, 2), np.inf),
    lambda: np.array(["a", "b"]),
    lambda: np.zeros((2, 2), dtype=complex),
    lambda: np.array(b"bytes"),
    lambda: np.zeros(3, dtype=[("a", "<f8"), ("b", "<i4")]),
    lambda: np.array([-5, 7]),
    lambda: np.array(10**18),
    lambda: np.array("2020-01-01", dtype="M8[D]"),
    lambda: np.zeros((1,) * 32),
)


def spoil_bytes(content: bytes, chance: random.Random, /) -> bytes:
    """Flip bits, cut, take out, double, overwrite or put in a range."""
    start = chance.randrange(len(content))
    stop = min(len(content), start + chance.choice((1, 2, 4, 8, 30, 200, len(content))))
    part = content[start:stop]
    kind = chance.randrange(7)
    if kind <= 1:
        place = chance.randrange(len(content))
        return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]
    middle = (b"", part + part, bytes(len(part)), b"\xff" * len(part), chance.randbytes(chance.randrange(1, 40)))
    if kind == 2:
        return content[:start]
    return content[:start] + middle[kind - 3] + (content[start:] if kind == 6 else content[stop:])[:]


def spoil_json(data: Any, chance: random.Random, /) -> Any:
    """Return a copy with one value replaced, one key removed, added or renamed, somewhere inside."""
    copy = json.loads(json.dumps(data))
    place = copy
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = chance.choice(keys)
        if isinstance(place[key], dict | list) and chance.random() < 0.7:
            place = place[key]
            continue
        break
    if not keys:
        return copy
    kind = chance.randrange(4)
    if kind <= 1:
        place[key] = chance.choice(_STRANGE)
    elif kind == 2:
        del place[key]
    elif isinstance(place, dict):
        place[chance.choice(("", "more", "../x", f"{key}x"))] = place.pop(key) if chance.random() < 0.5 else 1
    else:
        place.append(place[key])
    return copy


def spoil_json_text(content: bytes, chance: random.Random, /) -> bytes:
    """Spoil a JSON text inside, or put what JSON's reader may stumble over in its place."""
    kind = chance.randrange(12)
    if kind == 0:
        return b"[" * chance.choice((10, 1000, 100_000))
    if kind == 1:
        return b'{"format": ' + b"9" * chance.choice((30, 5000)) + b"}"
    if kind == 2:
        return b'{"a":' * 50_000
    return json.dumps(spoil_json(json.loads(content), chance)).encode()


def spoil_archive(content: bytes, chance: random.Random, /) -> bytes:
    """Replace, remove, rename or add an array of an .npz, whose checksums then hold."""
    with np.load(io.BytesIO(content)) as archive:
        arrays = dict(archive)
    name = chance.choice(list(arrays))
    kind = chance.randrange(6)
    if kind <= 1:
        arrays[name] = chance.choice(_ARRAYS)()
    elif kind == 2:
        del arrays[name]
    elif kind == 3:
        arrays[chance.choice(("more", "../x", "state/", f"{name}x", "header", "batch_size"))] = arrays.pop(name)
    elif kind == 4 and arrays[name].ndim:
        arrays[name] = arrays[name][: chance.randrange(len(arrays[name]) + 1)]
    else:
        arrays[name] = np.array(str(arrays[name])[: chance.randrange(40)])
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def spoil_header(content: bytes, chance: random.Random, /) -> bytes:
    """Spoil a .safetensors file's header: the length that it states, or the JSON inside."""
    length = int.from_bytes(content[:8], "little")
    header, rest = content[8 : 8 + length], content[8 + length :]
    if chance.random() < 0.3:
        stated = chance.choice((0, 1, length - 1, length + 1, 2**31, 2**40, 2**63, 2**64 - 1))
        return stated.to_bytes(8, "little") + header + rest
    header = json.dumps(spoil_json(json.loads(header), chance)).encode()
    return len(header).to_bytes(8, "little") + header + rest


def spoil_lines(content: bytes, chance: random.Random, /) -> bytes:
    """Take out, double or swap lines of a text, or put another value behind an equals sign."""
    lines = content.decode().splitlines()
    place, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    kind = chance.randrange(5)
    if kind == 0:
        del lines[place]
    elif kind == 1:
        lines.insert(other, lines[place])
    elif kind == 2:
        lines[place], lines[other] = lines[other], lines[place]
    else:
        values = ("-1", "0", "1e999", "nan", "-inf", "9" * 40, '""', "[]", "{}", "[" * 500, "true", "1979-05-27", "1.5")
        key, equals, _ = lines[place].partition("=")
        lines[place] = (
            f"{key}= {chance.choice(values)}" if equals else chance.choice(("[a.b]", "[[a]]", "a.b = 1", "\t"))
        )
    return "\n".join(lines).encode()
