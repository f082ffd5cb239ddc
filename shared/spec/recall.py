"""Features that an earlier layer gave, or the network's own input, taken up again further on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from gan_rosetta.shared.spec.checks import require
from gan_rosetta.shared.spec.layer import LayerBase, Shape

_PAIR = 2


@dataclass(frozen=True, kw_only=True)
class Recall(LayerBase):
    """Parts of the features that an earlier layer gave, one behind the other, in place of what comes before it.

    (features,) of the layer `of` to (Σ (stop - start),). of: the layer by its name in the network,
    `block1.main.linear1`, which it stands behind; None for what the network is given. parts: the features from start
    on as far as before stop of each (start, stop), each feature once. It begins a branch, or stands right behind the
    layer that it names, so that all that is computed is used.

    So noise is split among layers, and one class embedding shared by all: behind a ClassEmbedding "shared" of 128
    features that is joined after noise of 120, `Recall(of="shared", parts=((0, 20),))` is what a generator starts
    from, and `Recall(of="shared", parts=((120, 248), (20, 40)))` the class and the second part of the noise, from
    which a Linear makes gains. Brock et al. 2019, appendix B.
    """

    kind: ClassVar[str] = "recall"
    of: str | None
    parts: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        for index, part in enumerate(self.parts):
            good = isinstance(part, tuple) and len(part) == _PAIR
            good = good and all(isinstance(end, int) and not isinstance(end, bool) for end in part)
            good = good and 0 <= part[0] < part[1]
            expected = "expected two integers, where it starts, 0 or more, and where it stops, more than that"
            require(good, f"Recall: a part is {part!r}; {expected}", "parts", index)
        require(len(self.parts) >= 1, "Recall: parts is empty; expected one pair (start, stop) at least", "parts")
        by_start = sorted(self.parts)
        for (_, stop), later in pairwise(by_start):
            require(
                stop <= later[0],
                f"Recall: the part {later} begins before another stops, at {stop}; expected each feature once",
                "parts",
                self.parts.index(later),
            )

    @property
    def takes_input(self) -> bool:
        return False

    def output_shape(self, input_shape: Shape, /) -> Shape:
        del input_shape
        return (sum(stop - start for start, stop in self.parts),)

    def check_recalled(self, name: str, shape: Shape, /) -> None:
        """Raise SpecError unless what it recalls, of that name and per-sample shape, has all the features."""
        require(len(shape) == 1, f"Recall takes features, and {name} gives {shape}; expected a vector", "of")
        for index, (start, stop) in enumerate(self.parts):
            require(
                stop <= shape[0],
                f"Recall takes the features {start} to {stop} of {name}, which gives {shape[0]}; expected at most so "
                "many",
                "parts",
                index,
            )
