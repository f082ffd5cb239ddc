"""Random rounding: how far rounding alone moves a run. Monte Carlo arithmetic, Parker 1997.

Every computed number x becomes x (1 + ε ξ), with ε the type's spacing at 1 and ξ ~ U(-1, 1) drawn afresh: about what
another library's tanh would do to it. A sum of n like terms, each of whose additions is disturbed so, moves by
√(n / 3) ε ξ, and that is what sums get: a matrix product's, a kernel's gradient over a batch of images, a BatchNorm's
100 000 terms. Libraries that add in blocks do better; others do add such numbers up one by one. Where frameworks
compute an operation by different formulas, each copy takes one of them (see formulas.py). What every framework gets
exactly is left alone.
"""

from __future__ import annotations

import copy
import math
import weakref
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gan_rosetta.backends.numpy.formulas import Formulas
from gan_rosetta.backends.numpy.kinks import KinkVisitor
from gan_rosetta.backends.numpy.layer import Array

_POOL_SIZE = 1 << 20
_FEW_TERMS = 3
_NUM_OFFSETS = 4096
_POOL_LIFETIME = 16 * _POOL_SIZE
# Up to so many numbers of each copy are taken for all copies at once.
_FEW_NUMBERS = 512
_COUNT = np.arange(_FEW_NUMBERS)
# A place in the generator's sequence, and three of them with two counters.
_ORIGIN = 6
_EXPORTED = 3 * _ORIGIN + 2

_Value = TypeVar("_Value", bound=np.floating[Any])


class _FirstPool:
    """What a rounding begins with: its pool, and from where its generator draws next. Nobody writes to it."""

    def __init__(self, pool: Array, after: NDArray[np.uint64]) -> None:
        self.pool, self.after = pool, after


# Drawing a pool takes longer than a step of a small GAN, and many roundings begin alike.
_first_pools: weakref.WeakValueDictionary[tuple[Any, ...], _FirstPool] = weakref.WeakValueDictionary()


class RandomRounding:
    """Disturbs numbers by a random rounding; what it does depends on the seed and the sequence of calls alone.

    coarseness: how many times the type's spacing ε is. visitor: what leads the copy across kinks, None for nothing.

    Each call takes ε ξ from a pool, from a random place on; the pool is drawn anew after sixteen times its size.
    """

    visitor: KinkVisitor | None = None

    def __init__(self, *, seed: int, dtype: DTypeLike, coarseness: float = 1.0) -> None:
        self.seed = seed
        self._generator = np.random.Generator(np.random.SFC64(seed))
        self._dtype = np.dtype(dtype)
        self._epsilon = coarseness * float(np.spacing(self._dtype.type(1)))
        self._largest = _POOL_SIZE
        self._begin()
        self._draw_offsets()
        # Where every look starts: offsets, from where they are drawn, and from where more are.
        self._look: tuple[list[int], NDArray[np.uint64], NDArray[np.uint64]] | None = None

    def disturb(
        self,
        array: Array,
        /,
        *,
        within: tuple[float, float] | None = None,
        num_terms: int = 1,
        scale: Array | None = None,
        exact: NDArray[np.bool_] | None = None,
        by_channel: bool = False,
        common: Array | None = None,
    ) -> None:
        """Disturb an array in place, then bring it back within a function's range.

        num_terms: of what sums the entries are; up to three terms disturb them as a single operation does.
        scale: what is rounded, where that is not the entries themselves. exact: entries to leave alone.
        by_channel: disturb each entry of axis 1 as a whole too. Equal numbers round equally, so in images of mostly
        background the errors of a channel do not average out. common: that disturbance, where it is drawn already.
        """
        if array.size > self._largest:
            self._disturb_parts(
                array,
                scale,
                exact,
                within=within,
                num_terms=num_terms,
                by_channel=by_channel,
                common=common,
            )
            return
        if by_channel:
            common = self._take_by_channel(array)
        # Not a product with 1 + ε ξ: rounded to the type, that factor is one of four numbers, and the result is biased.
        change = self._take_times(array.shape, common, array if scale is None else scale)
        if num_terms > _FEW_TERMS:
            change *= math.sqrt(num_terms / 3)
        if not math.isfinite(np.vdot(change, change)):
            np.copyto(change, 0.0, where=~np.isfinite(change))  # infinity stays infinity
        if exact is not None:
            np.copyto(change, 0.0, where=exact)
        array += change
        if within is not None:
            # np.clip, at a third of its time in small arrays.
            np.maximum(array, within[0], out=array)
            np.minimum(array, within[1], out=array)

    def disturbed(self, value: _Value, /, *, num_terms: int = 1) -> _Value:
        """Return a single number, disturbed; num_terms as in disturb."""
        change = value * self._take(1)[0] * math.sqrt(max(num_terms / 3, 1))
        return value + change if math.isfinite(change) else value

    def evaluate(self, formulas: Formulas, /, *arrays: Array) -> Array:
        """Return an operation's result by the formula that is this copy's."""
        return formulas[self.seed % len(formulas)](*arrays)

    def branch(self) -> RandomRounding:
        """Return one that goes on from here as this one would, from the same pool; this one stays where it is."""
        other = copy.copy(self)
        other._owns_pool = False
        other.visitor = None
        other._generator = np.random.Generator(np.random.SFC64(0))
        _move_to(other._generator, _origin(self._generator))
        return other

    def visit(self, x: Array, /) -> bool:
        """Lead numbers near 0, where a slope jumps, to its other side, in place; whether any was (see kinks.py)."""
        return self.visitor is not None and self.visitor.visit(x)

    def aside(self) -> RandomRounding:
        """Return one for a look at the copy, from the same pool: this one stays where it is, however often."""
        other = copy.copy(self)
        other.visitor = None
        other._owns_pool = False
        other._generator = np.random.Generator(np.random.SFC64([self.seed, 1] if self._look is None else 0))
        other._num_taken = 0
        if self._look is None:
            other._draw_offsets()
            self._look = other._offsets, other._offsets_origin, _origin(other._generator)
        else:
            other._offsets, other._offsets_origin, here = self._look
            _move_to(other._generator, here)
            other._next_offset = 0
        return other

    def _disturb_parts(
        self,
        array: Array,
        scale: Array | None,
        exact: NDArray[np.bool_] | None,
        /,
        *,
        by_channel: bool,
        common: Array | None,
        **how: Any,
    ) -> None:
        """Disturb an array that is larger than the pool."""
        if by_channel:
            common = self._take_by_channel(array)
        rows = len(array) * _POOL_SIZE // array.size
        parts: Iterable[Any] = range(len(array))
        if rows:
            parts = (slice(start, start + rows) for start in range(0, len(array), rows))
        for part in parts:
            own_scale, own_exact = (None if each is None else each[part] for each in (scale, exact))
            self.disturb(array[part], scale=own_scale, exact=own_exact, common=common, **how)

    def _take_times(self, shape: tuple[int, ...], common: Array | None, scale: Array) -> Array:
        """Return ε ξ in that shape, with what is common to some added, times the scale; an array of its own."""
        drawn = self._take(math.prod(shape)).reshape(shape)
        return (drawn if common is None else drawn + common) * scale

    def _take_by_channel(self, array: Array) -> Array:
        return self._take(array.shape[1]).reshape(1, -1, *(1,) * (array.ndim - 2))

    def _take(self, size: int) -> Array:
        if self._next_offset == _NUM_OFFSETS:
            self._draw_offsets()
        if self._num_taken > _POOL_LIFETIME:
            self._draw_pool()
        offset = self._offsets[self._next_offset]
        self._next_offset += 1
        self._num_taken += size
        return self._pool[offset : offset + size]

    def export(self) -> NDArray[np.uint64]:
        """Return where the rounding is, (20,): from where pool, offsets and what comes next are drawn; what is used."""
        used = np.array([self._next_offset, self._num_taken], dtype=np.uint64)
        return np.concatenate([self._pool_origin, self._offsets_origin, _origin(self._generator), used])

    def restore(self, exported: NDArray[np.uint64], /) -> None:
        """Go on from where another rounding of the same type was; raises ValueError for what no export returned."""
        if exported.shape != (_EXPORTED,) or exported.dtype != np.uint64:
            raise ValueError(f"a rounding is {exported.dtype} {exported.shape}; expected uint64 ({_EXPORTED},)")
        pool, offsets, here = exported[: 3 * _ORIGIN].reshape(3, _ORIGIN)
        next_offset, num_taken = (int(number) for number in exported[3 * _ORIGIN :])
        if next_offset > _NUM_OFFSETS:
            raise ValueError(f"a rounding has used {next_offset} offsets; expected {_NUM_OFFSETS} at most")
        _move_to(self._generator, pool)
        self._draw_pool()
        _move_to(self._generator, offsets)
        self._draw_offsets()
        _move_to(self._generator, here)
        self._next_offset, self._num_taken = next_offset, num_taken

    def _begin(self) -> None:
        """Take the first pool, which is drawn where nobody has one that begins alike."""
        key = (self.seed, self._dtype, self._epsilon, _POOL_SIZE)
        first = _first_pools.get(key)
        if first is None:
            # Twice the size, so that any place has a whole size after it.
            self._pool: Array = np.empty(2 * _POOL_SIZE, self._dtype)
            self._owns_pool = True
            self._draw_pool()
            self._pool.setflags(write=False)
            first = _first_pools[key] = _FirstPool(self._pool, _origin(self._generator))
        else:
            self._pool_origin = _origin(self._generator)
            _move_to(self._generator, first.after)
            self._num_taken = 0
        self._first: _FirstPool | None = first
        self._pool, self._owns_pool = first.pool, False

    def _draw_pool(self) -> None:
        self._pool_origin = _origin(self._generator)
        drawn = self._generator.random(_POOL_SIZE)
        drawn *= 2.0
        drawn -= 1.0
        drawn *= self._epsilon
        if not self._owns_pool:
            self._pool, self._owns_pool, self._first = np.empty_like(self._pool), True, None
        # In place, since pools may lie side by side.
        self._pool[:_POOL_SIZE] = drawn
        self._pool[_POOL_SIZE:] = self._pool[:_POOL_SIZE]
        self._num_taken = 0

    def _draw_offsets(self) -> None:
        self._offsets_origin = _origin(self._generator)
        self._offsets: list[int] = self._generator.integers(_POOL_SIZE, size=_NUM_OFFSETS).tolist()
        self._next_offset = 0


class RoundingOfCopies(RandomRounding):
    """Disturbs arrays whose first axis is that of copies, each copy's numbers as its own rounding would.

    num_terms and all else is of one copy; an array of more numbers than a pool has is given to each copy's rounding.
    """

    def __init__(self, copies: Sequence[RandomRounding], /) -> None:
        self._copies = tuple(copies)
        seeds = [copy.seed for copy in self._copies]
        if seeds != list(range(seeds[0], seeds[0] + len(seeds))):
            raise ValueError(f"copies side by side have the seeds {seeds}; expected seeds that follow one another")
        self.seed = seeds[0]
        self._largest = len(self._copies) * _POOL_SIZE
        self._owners: dict[int, list[slice]] = {}
        # The copies' pools side by side, and where each offset of each copy is in them, (offsets, copies, 1).
        self._pools: Array | None = None
        self._places, self._offsets = np.empty(0, np.int64), []
        self._look_of_copies: RoundingOfCopies | None = None

    def aside(self) -> RoundingOfCopies:
        """Return one of the copies' own for a look at them."""
        asides = [own.aside() for own in self._copies]
        if self._look_of_copies is None:
            self._look_of_copies = RoundingOfCopies(asides)
            self._look_of_copies._pools = self._gather_pools()
            self._look_of_copies._gather_places()
        other = copy.copy(self._look_of_copies)
        other._copies = tuple(asides)
        return other

    def disturbed(self, value: Any, /, *, num_terms: int = 1) -> Any:
        """Return a number of each copy, (n,), disturbed."""
        pairs = zip(self._copies, value, strict=True)
        return np.array([copy.disturbed(number, num_terms=num_terms) for copy, number in pairs])

    def evaluate(self, formulas: Formulas, /, *arrays: Array) -> Array:
        """Return an operation's result, each copy's by its own formula."""
        owners = self._owners.get(len(formulas))
        if owners is None:
            count = len(formulas)
            owners = [slice((index - self.seed) % count, None, count) for index in range(count)]
            self._owners[count] = owners
        result: Array | None = None
        for formula, own in zip(formulas, owners, strict=True):
            part = formula(*(array[own] for array in arrays))
            if result is None:
                result = np.empty((len(self._copies), *part.shape[1:]), part.dtype)
            result[own] = part
        assert result is not None  # noqa: S101 - there is a formula
        return result

    def _disturb_parts(self, array: Array, scale: Array | None, exact: NDArray[np.bool_] | None, /, **how: Any) -> None:
        for index, own in enumerate(self._copies):
            own_scale, own_exact = (None if each is None else each[index] for each in (scale, exact))
            own.disturb(array[index], scale=own_scale, exact=own_exact, **how)

    def _take_times(self, shape: tuple[int, ...], common: Array | None, scale: Array) -> Array:
        if math.prod(shape) <= len(self._copies) * _FEW_NUMBERS:
            return super()._take_times(shape, common, scale)
        change = np.empty(shape, scale.dtype)
        for index, own in enumerate(self._copies):
            drawn = own._take(change[index].size).reshape(shape[1:])
            if common is None:
                np.multiply(drawn, scale[index], out=change[index])
            else:
                np.add(drawn, common[index], out=change[index])
                change[index] *= scale[index]
        return change

    def _take_by_channel(self, array: Array) -> Array:
        num_copies, _, num_channels = array.shape[:3]
        return self._take(num_copies * num_channels).reshape(num_copies, 1, num_channels, *(1,) * (array.ndim - 3))

    def _take(self, size: int) -> Array:
        share = size // len(self._copies)
        first = self._copies[0]
        place, num_taken = first._next_offset, first._num_taken
        if share > _FEW_NUMBERS or place == _NUM_OFFSETS or num_taken > _POOL_LIFETIME:
            return np.concatenate([own._take(share) for own in self._copies])
        # All at once, which for few numbers is much of a step's time. The copies take alike, so that all are at one
        # place of their own pools and offsets.
        pools = self._gather_pools()
        if first._offsets is not self._offsets:
            self._gather_places()
        for own in self._copies:
            own._next_offset, own._num_taken = place + 1, num_taken + share
        return pools[self._places[place] + _COUNT[:share]].reshape(-1)

    def _gather_pools(self) -> Array:
        # A look that draws its pools anew leaves those that lie here.
        is_theirs = self._copies[0]._pool.base is self._pools
        if self._pools is None or not is_theirs:
            self._pools = np.concatenate([own._pool for own in self._copies])
            for own, pool in zip(self._copies, np.split(self._pools, len(self._copies)), strict=True):
                own._pool, own._owns_pool, own._first = pool, True, None
        return self._pools

    def _gather_places(self) -> None:
        self._offsets = self._copies[0]._offsets
        offsets = np.array([own._offsets for own in self._copies]).T
        self._places = (offsets + 2 * _POOL_SIZE * np.arange(len(self._copies)))[:, :, np.newaxis]


def _origin(generator: np.random.Generator) -> NDArray[np.uint64]:
    """Return from where a generator draws next, (6,)."""
    state: Any = generator.bit_generator.state
    rest = np.array([state["has_uint32"], state["uinteger"]], dtype=np.uint64)
    return np.concatenate([state["state"]["state"], rest])


def _move_to(generator: np.random.Generator, origin: NDArray[np.uint64]) -> None:
    generator.bit_generator.state = {
        "bit_generator": "SFC64",
        "state": {"state": origin[:4].copy()},
        "has_uint32": int(origin[4]),
        "uinteger": int(origin[5]),
    }
