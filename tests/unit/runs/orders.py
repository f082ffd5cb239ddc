"""Orders of runs, told in a line: every entry of an order's parts by its name, wherever it stands."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from gan_rosetta.shared.runs.order import Order, RunSetup
from gan_rosetta.shared.runs.plan import make_order
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.spec import GanSpec

_ASKED = ("steps", "pretrain_steps", "batch_size")
_PARTS = ("run", "feed", "course", "keeping")


def order_of(
    gan: str | Path | GanSpec = "linear-2d", backend: str = "numpy", folder: Path | str = "", /, **entries: Any
) -> Order:
    """Return the order of a run in a folder of its own; entries: steps and the like, and of the order's parts."""
    request = make_request(gan, **{name: entries.pop(name) for name in _ASKED if name in entries})
    order = make_order(request, request.resolve(), RunSetup(name=backend, backend=backend), Path())
    return changed(order, folder=str(folder), **entries)


def changed(order: Order, /, **entries: Any) -> Order:
    """Return an order with other entries, each in the part that has one of its name."""
    for name in _PARTS:
        part = getattr(order, name)
        own = {field.name: entries.pop(field.name) for field in fields(part) if field.name in entries}
        order = replace(order, **{name: replace(part, **own)})
    return replace(order, **entries)
