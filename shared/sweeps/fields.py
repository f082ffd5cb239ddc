"""A field anywhere in a GAN, such as `training.generator_optimizer.learning_rate.value`, given another value."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, get_type_hints

from gan_rosetta.shared.errors import SpecError, UsageError, unknown_name
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.reader import build


def with_field(spec: GanSpec, path: str, value: Any, /) -> GanSpec:
    """Return a GAN with another value of a field.

    path: names of fields, of a layer its own name, `generator.layers.hidden.out_features`, or its position from 0.
    value: as a TOML file has it. Raises UsageError for a field that there is not, SpecError for a value that cannot be.
    """
    changed: GanSpec = _changed(spec, path.split("."), value, path)
    return changed


def _changed(part: Any, names: list[str], value: Any, path: str) -> Any:
    first, *rest = names
    if isinstance(part, tuple):
        places = _places(part)
        if first not in places:
            raise unknown_name(f"part of the field {path!r}:", first, places)
        place = places[first]
        if not rest:
            raise UsageError(f"the field {path!r} is a whole layer; name one of its fields")
        return (*part[:place], _changed(part[place], rest, value, path), *part[place + 1 :])
    if not is_dataclass(part) or isinstance(part, type):
        raise UsageError(f"the field {path!r} goes on after a value, {part!r}; leave out {'.'.join(names)!r}")
    known = [field.name for field in fields(part)]
    if first not in known:
        raise unknown_name(f"part of the field {path!r}:", first, known)
    if rest:
        return replace(part, **{first: _changed(getattr(part, first), rest, value, path)})
    try:
        return replace(part, **{first: build(get_type_hints(type(part))[first], value, name=path)})
    except SpecError as error:
        raise SpecError(f"the field {path!r} cannot be {value!r}: {error}") from None


def _places(parts: tuple[Any, ...]) -> dict[str, int]:
    by_position = {str(place): place for place in range(len(parts))}
    by_name = {part.name: place for place, part in enumerate(parts) if getattr(part, "name", None)}
    return {**by_name, **by_position}
