"""Which layers take whose outputs, and what a pass holds for them: outputs on its way, or gradients on the way back.

Layers in a row take the one before. Where several take one layer's output, its gradient is the sum of what they give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.shared.spec import NETWORK_INPUT

Sources = Sequence[tuple[int, ...]]


class Wiring:
    """The sources of a network's layers, as PlacedLayer has them.

    joins: which layers take a tuple of outputs, an array for each source. trained: which have parameters.
    """

    def __init__(self, sources: Sources, /, *, joins: Sequence[bool], trained: Sequence[bool]) -> None:
        self._sources, self._joins = sources, joins
        self._last_uses = _last_uses(sources)
        self._leads_to_trained = _leads_to_trained(sources, trained)

    def held(self, x: Array, /) -> Held:
        """Return what holds outputs in a forward pass of the network's input."""
        return Held(self._sources, self._joins, self._last_uses, x)

    def owed(self, gradient: Array | None, /, *, wants_input: bool, add: Callable[[Array, Array], Array]) -> Owed:
        """Return what holds gradients in a backward pass. gradient: ∂L/∂y of the last layer. add: how two are added.

        Where the gradient of the network's input is not wanted, none is computed that leads to no parameter.
        """
        wanted = {NETWORK_INPUT} if wants_input else set()
        wanted |= {place for place, leads in enumerate(self._leads_to_trained) if leads or wants_input}
        return Owed(self._sources, self._joins, gradient, wanted=wanted, add=add)


class Held:
    """The outputs in a forward pass that layers still come for."""

    def __init__(self, sources: Sources, joins: Sequence[bool], last_uses: Sources, x: Array) -> None:
        self._sources, self._joins, self._last_uses = sources, joins, last_uses
        self._outputs = {NETWORK_INPUT: x}
        self._next = 0

    def take(self) -> Any:
        """Return what the next layer takes: an array, or of a join a tuple of them."""
        sources, is_join = self._sources[self._next], self._joins[self._next]
        found = tuple(self._outputs[source] for source in sources)
        for source in self._last_uses[self._next]:
            del self._outputs[source]
        return found if is_join else found[0]

    def keep(self, y: Array, /) -> None:
        """Keep that layer's output."""
        self._outputs[self._next] = y
        self._next += 1


class Owed:
    """What a backward pass has found of each layer's ∂y so far; iterated from the last layer to the first."""

    def __init__(
        self,
        sources: Sources,
        joins: Sequence[bool],
        gradient: Array | None,
        *,
        wanted: set[int],
        add: Callable[[Array, Array], Array],
    ) -> None:
        self._sources, self._joins, self._wanted, self._add = sources, joins, wanted, add
        self._found: dict[int, Array | None] = {len(sources) - 1: gradient}

    def __iter__(self) -> Iterator[tuple[int, Array, bool]]:
        """Yield each layer that has to be gone through, its ∂y, and whether its ∂x is wanted."""
        for place in reversed(range(len(self._sources))):
            gradient = self.take(place)
            if gradient is not None and place in self._wanted:
                yield place, gradient, not self._wanted.isdisjoint(self._sources[place])

    def take(self, place: int, /) -> Array | None:
        """Return a layer's ∂y, None where there is none."""
        return self._found.pop(place, None)

    def add(self, place: int, gradient_x: Any, /) -> None:
        """Add a layer's ∂x, None for nothing, of a join one for each end, to what those that it took x from have."""
        if gradient_x is None:
            return
        pieces = gradient_x if self._joins[place] else (gradient_x,)
        for source, piece in zip(self._sources[place], pieces, strict=True):
            if source in self._wanted:
                before = self._found.get(source)
                self._found[source] = piece if before is None else self._add(before, piece)

    @property
    def input_gradient(self) -> Array | None:
        """The network's own ∂x, None where it is not wanted."""
        return self._found.get(NETWORK_INPUT)


def _last_uses(sources: Sources) -> list[tuple[int, ...]]:
    """Return for each layer whose outputs no later one takes."""
    last = {source: place for place, own in enumerate(sources) for source in own}
    return [
        tuple(source for source in dict.fromkeys(own) if last[source] == place) for place, own in enumerate(sources)
    ]


def _leads_to_trained(sources: Sources, trained: Sequence[bool]) -> list[bool]:
    """Return for each layer whether it, or one before it that it hangs on, has parameters."""
    found: list[bool] = []
    for own, has_parameters in zip(sources, trained, strict=True):
        found.append(has_parameters or any(source != NETWORK_INPUT and found[source] for source in own))
    return found
