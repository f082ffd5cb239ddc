"""Which layers take whose outputs, and what a pass holds for them: outputs on its way, or gradients on the way back.

Layers in a row take the one before. Where several take one layer's output, its gradient is the sum of what they give.
A pass keeps both in a dictionary by place; who looks where is worked out once, since in a small network it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.shared.spec import NETWORK_INPUT

Sources = Sequence[tuple[int, ...]]
# The ∂y of the layers that are still to be gone through, by place; that of NETWORK_INPUT is the network's own ∂x.
Owed = dict[int, Array]
Takers = int | None | tuple[int | None, ...]


class Taking(NamedTuple):
    """What a layer takes in a forward pass.

    take: from the outputs by place, an array, or of a join a tuple of them. last: those that no later layer takes.
    """

    take: Callable[[dict[int, Array]], Any]
    last: tuple[int, ...]


class Giving(NamedTuple):
    """What a layer gives in a backward pass: to whom its ∂x goes, None where to nobody, of a join one for each end.

    wanted: whether it goes to anybody.
    """

    place: int
    wanted: bool
    takers: Takers


class Wiring:
    """The sources of a network's layers, as PlacedLayer has them.

    joins: which layers take a tuple of outputs, an array for each source. trained: which have parameters. takings: of
    each layer. to_input, to_parameters: the way back, last layer first; on the second, no gradient is computed that
    leads to no parameter.
    """

    def __init__(self, sources: Sources, /, *, joins: Sequence[bool], trained: Sequence[bool]) -> None:
        self.takings = list(map(Taking, map(_take, sources, joins), _last_uses(sources)))
        leads = _leads_to_trained(sources, trained)
        self.to_input = _way_back(sources, joins, {NETWORK_INPUT, *range(len(sources))})
        self.to_parameters = _way_back(
            sources, joins, {place for place, leads_there in enumerate(leads) if leads_there}
        )
        self.last = len(sources) - 1


def hand_on(owed: Owed, takers: Takers, gradient_x: Any, add: Callable[[Array, Array], Array], /) -> None:
    """Add a layer's ∂x, None for nothing, of a join one for each end, to what its takers are owed. add: how."""
    if takers is None or gradient_x is None:
        return
    if isinstance(takers, tuple):
        for taker, piece in zip(takers, gradient_x, strict=True):
            hand_on(owed, taker, piece, add)
    else:
        owed[takers] = add(owed[takers], gradient_x) if takers in owed else gradient_x


def _way_back(sources: Sources, joins: Sequence[bool], wanted: set[int]) -> list[Giving]:
    way = []
    for place in reversed(range(len(sources))):
        if place in wanted:
            takers = tuple(source if source in wanted else None for source in sources[place])
            given = any(taker is not None for taker in takers)
            way.append(Giving(place, given, takers if joins[place] else takers[0]))
    return way


def _take(sources: tuple[int, ...], is_join: bool) -> Callable[[dict[int, Array]], Any]:
    if is_join and len(sources) == 1:
        return lambda outputs: (outputs[sources[0]],)
    return itemgetter(*sources)


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
