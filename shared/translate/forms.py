"""What a framework has of its own in one form, where a description may have others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class OwnForm:
    """What a framework has of one kind. kind: a layer's or optimizer's; part: its name there; fields: of its form.

    holds: what the part makes of settings that it takes, such as a number in float32, by field. words: of fields whose
    value says nothing to a reader. keeps_form: what is written out as it is described all the same.
    """

    kind: type
    part: str
    fields: Mapping[str, Any]
    holds: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    keeps_form: Callable[[Any], bool] = lambda _: False

    def differs(self, found: Any, /) -> dict[str, Any]:
        """Return the fields in which something of this kind has another form."""
        if self.keeps_form(found):
            return {}
        own = {**self.fields, **{name: hold(found) for name, hold in self.holds.items()}}
        changed = {name: value for name, value in own.items() if getattr(found, name) != value}
        if getattr(found, "momentum", 0) == 0:
            changed.pop("momentum_of", None)  # which then is of nothing
        if getattr(found, "amsgrad", "no") == "no":
            changed.pop("amsgrad", None)  # whose form is asked of one that is there
        return changed


def decays_weights(optimizer: Any, /) -> bool:
    """Whether an optimizer decays weights, which is written out as it is described, whatever its form."""
    return optimizer.weight_decay is not None
