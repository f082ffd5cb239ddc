"""What a person says of a checkpoint's names where they alone do not tell: a small TOML file, or a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.spec.toml_file import parse_toml, read_spec_text
from gan_rosetta.shared.state.layouts import LAYOUTS, Layout
from gan_rosetta.shared.state.schema import OptimizerName

_NETWORKS = ("generator", "discriminator")
_FLATTENS = ("channels-last", "channels-first")
_REMEDY = 'expected lines such as "generator.hidden1" = "model.0", layout = "keras", flatten = "channels-first"'


@dataclass(frozen=True, kw_only=True)
class NameMapping:
    """tensors: layers' or tensors' canonical names to the file's. networks, optimizers: ours to how the file's begin.

    layout: how the file keeps tensors. flattens_last: whether its program flattens images with channels last.
    """

    tensors: Mapping[str, str] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)
    optimizers: Mapping[str, str] = field(default_factory=dict)
    layout: Layout | None = None
    flattens_last: bool = True


def parse_mapping(value: str | Path | Mapping[str, str] | None, /) -> NameMapping:
    """Return a mapping from a TOML file or a dictionary; raises UsageError or SpecError for what is none."""
    if value is None:
        return NameMapping()
    entries = _flat(_read(Path(value)) if isinstance(value, str | Path) else value, "")
    layout = entries.pop("layout", None)
    flatten = entries.pop("flatten", _FLATTENS[0])
    if layout is not None and layout not in LAYOUTS:
        raise UsageError(f"the mapping's layout is {layout!r}; expected one of {', '.join(LAYOUTS)}")
    if flatten not in _FLATTENS:
        raise UsageError(f"the mapping's flatten is {flatten!r}; expected one of {', '.join(_FLATTENS)}")
    networks = {name: entries.pop(name) for name in _NETWORKS if name in entries}
    prefix = "optimizer."
    optimizers = {name.removeprefix(prefix): entries[name] for name in list(entries) if name.startswith(prefix)}
    unknown = [name for name in optimizers if name not in get_args(OptimizerName)]
    tensors = {name: text for name, text in entries.items() if not name.startswith(prefix)}
    unknown += [name for name in tensors if name.partition(".")[0] not in _NETWORKS]
    if unknown:
        raise UsageError(f"the mapping has {unknown[0]!r}; {_REMEDY}")
    return NameMapping(
        tensors=tensors,
        networks=networks,
        optimizers=optimizers,
        layout=layout,  # type: ignore[arg-type]
        flattens_last=flatten == _FLATTENS[0],
    )


def _read(path: Path) -> dict[str, Any]:
    text = read_spec_text(path, wanted="a TOML file that maps names")
    return parse_toml(text, where=str(path), wanted="a mapping of names")


def _flat(value: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return the entries of tables in one another, by dotted names: TOML makes tables of names without quotes."""
    found: dict[str, str] = {}
    for key, entry in value.items():
        path = f"{name}.{key}".removeprefix(".")
        if isinstance(entry, Mapping):
            found |= _flat(entry, path)
        elif isinstance(entry, str):
            found[path] = entry
        else:
            raise UsageError(f"the mapping has {entry!r} for {path!r}; {_REMEDY}")
    return found
