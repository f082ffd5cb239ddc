"""Specs as TOML files, for GANs that are described without writing Python.

A dataclass is a table, one of its fields a key; "type" names the dataclass where there is a choice, and a key that is
missing stands for the field's default where it has one, and for None where the field allows it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

import tomlkit
from tomlkit.items import AbstractTable, Item

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.spec.checks import require
from gan_rosetta.shared.spec.gan import GanSpec
from gan_rosetta.shared.spec.reader import alternatives, build
from gan_rosetta.shared.spec.serialise import spec_digest, told_fields
from gan_rosetta.shared.spec.toml_depth import find_too_deep
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.storage.opening import read_regular

# Single tables down to here get a header of their own; what lies deeper, such as a learning rate, stands in braces.
_HEADER_DEPTH = 2
# Some hundred times what a GAN of the catalogue takes.
MOST_BYTES = 1 << 20
_NO_SPECS: Mapping[str, GanSpec] = MappingProxyType({})
_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)\Z")


def read_spec(path: Path, /, *, reserved: Mapping[str, GanSpec] = _NO_SPECS) -> GanSpec:
    """Read a spec from a TOML file; raises SpecError, in one line with the file's name and the line's number."""
    return spec_from_toml(read_spec_text(path), where=str(path), reserved=reserved)


def read_spec_text(path: Path, /, *, wanted: str = "a GAN's TOML file") -> str:
    """Return the text of a file; raises SpecError where it cannot be read or is not UTF-8. wanted: what it is to be."""
    try:
        content = read_regular(path, most_bytes=MOST_BYTES)
    except OSError as error:
        raise SpecError(f"{path} cannot be read ({error.strerror or error}); name {wanted}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise SpecError(f"{path}, line {line}: {found}; save the file in the encoding UTF-8") from None


def spec_from_toml(text: str, /, *, where: str, reserved: Mapping[str, GanSpec] = _NO_SPECS) -> GanSpec:
    """Return the spec that a TOML text describes; raises SpecError, in one line with `where` and the line's number.

    reserved: specs by name; only a spec of the same digest may have the name of one.
    """
    data = parse_toml(text, where=where)
    try:
        spec: GanSpec = build(GanSpec, data, name="the file")
        other = reserved.get(spec.name)
        good = other is None or spec_digest(other) == spec_digest(spec)
        require(good, f"name {spec.name!r} is that of another GAN; expected a name of your own", "name")
    except SpecError as error:
        from gan_rosetta.shared.spec.toml_lines import line_numbers, line_of  # noqa: PLC0415 - only a mistake has a line

        line = line_of(line_numbers(text), error.path)
        raise SpecError(f"{where}, line {line}: {error}") from None
    return spec


def write_spec(path: Path, spec: GanSpec, /) -> None:
    """Write a spec to a TOML file; raises SpecError where it cannot be written."""
    try:
        write_bytes(path, spec_to_toml(spec).encode())
    except OSError as error:
        raise SpecError(f"{path} cannot be written ({error.strerror or error}); name another file") from None


def spec_to_toml(spec: GanSpec, /) -> str:
    """Return a spec as TOML, from which spec_from_toml makes the same spec again."""
    document = tomlkit.document()
    _lay_out(document, _plain(GanSpec, spec), depth=0)
    return tomlkit.dumps(document)


def parse_toml(text: str, /, *, where: str, wanted: str = "a GAN's description") -> dict[str, Any]:
    """Return what a TOML text of a bounded size and depth says; raises SpecError. wanted: what it is to be."""
    if len(text) > MOST_BYTES:
        raise SpecError(f"{where} has {len(text):,} letters; expected {wanted}, {MOST_BYTES:,} at the most")
    found = find_too_deep(text)
    if found is not None:
        raise SpecError(f"{where}, line {found[0]}: {found[1]}; expected {wanted}")
    try:
        return tomllib.loads(text)
    except ValueError as error:
        message = str(error)
        place = _PLACE.search(message)
        if place is None:
            raise SpecError(f"{where}: this is not TOML: {message}") from None
        line = place["line"] or text.count("\n") + 1
        raise SpecError(f"{where}, line {line}: this is not TOML: {message[: place.start()]}") from None


def _plain(hint: Any, value: Any) -> Any:
    """Return a part of a spec as TOML can hold it, without what is None and without types that go without saying."""
    options = alternatives(hint)
    if is_dataclass(value):
        hints = get_type_hints(type(value))
        entries = {name: (hints[name], entry) for name, entry in told_fields(value)}
        kind = {"type": type(value).__name__} if len(options) > 1 else {}
        return kind | {name: _plain(*entry) for name, entry in entries.items() if entry[1] is not None}
    if isinstance(value, tuple):
        return [_plain(get_args(options[0])[0], entry) for entry in value]
    return float(value) if options == (float,) else value


def _lay_out(table: tomlkit.TOMLDocument | AbstractTable, data: dict[str, Any], *, depth: int) -> None:
    own = {key: value for key, value in data.items() if _has_tables(value, depth)}
    for key, value in data.items():
        if key not in own:
            table.add(key, _inline(value))
    for key, value in own.items():
        if isinstance(value, dict):
            table.add(key, _table(value, depth=depth + 1))
        else:
            array = tomlkit.aot()
            for entry in value:
                array.append(_table(entry, depth=depth + 1))
            table.add(key, array)


def _table(data: dict[str, Any], *, depth: int) -> Item:
    table = tomlkit.table()
    _lay_out(table, data, depth=depth)
    return table


def _inline(value: Any) -> Item:
    if isinstance(value, dict):
        table = tomlkit.inline_table()
        for key, entry in value.items():
            table.add(key, _inline(entry))
        return table
    return tomlkit.item(value)


def _has_tables(value: Any, depth: int) -> bool:
    """Whether a value is laid out as tables with headers: to some depth, and lists of tables, such as branches, all."""
    if isinstance(value, list):
        return any(isinstance(entry, dict) for entry in value)
    return isinstance(value, dict) and depth < _HEADER_DEPTH
