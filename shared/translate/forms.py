"""What a framework has of its own in one form, where a description may have others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class OwnForm:
    """What a framework has of one kind. kind: a layer's or optimizer's; part: its name there; fields: of its form."""

    kind: type
    part: str
    fields: Mapping[str, Any]

    def differs(self, found: Any, /) -> dict[str, Any]:
        """Return the fields in which something of this kind has another form."""
        changed = {name: own for name, own in self.fields.items() if getattr(found, name) != own}
        if getattr(found, "momentum", 0) == 0:
            changed.pop("momentum_of", None)  # which then is of nothing
        if getattr(found, "amsgrad", "no") == "no":
            changed.pop("amsgrad", None)  # whose form is asked of one that is there
        return changed
