"""How far what D finds of a code is from the code that G was given beside its noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.checks import require, require_choice, require_integer
from gan_rosetta.shared.spec.layer import Fed, LayerBase, Shape


@dataclass(frozen=True, kw_only=True)
class CodeError(LayerBase):
    """How wrong a head is about a part of the latent from which a sample was made. Chen et al. 2016.

    (stop - start,) to (1,), with c the latent's features from start on as far as before stop, a part of a JoinedLatent.
    form: "cross-entropy": -Σ c · log softmax(x), of a CategoryLatent's row; "squared-error": the mean of (x - c)² over
    the features. The latent is on the tape. Real samples were made from none: for them it is that of the fakes at their
    places, and `on_real` of the ClassLoss that weighs it is 0. Where a network is only asked, and not trained, c is 0.
    """

    kind: ClassVar[str] = "code_error"
    fed: ClassVar[Fed] = "code"
    form: Literal["cross-entropy", "squared-error"]
    start: int
    stop: int

    def __post_init__(self) -> None:
        require_choice(self, "form", ("cross-entropy", "squared-error"))
        require_integer(self, "start", minimum=0)
        require_integer(self, "stop", minimum=1)
        require(
            self.start < self.stop,
            f"CodeError: start is {self.start} and stop {self.stop}; expected a stop above start",
            "stop",
        )

    @property
    def width(self) -> int:
        """How many features the code has."""
        return self.stop - self.start

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            input_shape == (self.width,),
            f"CodeError compares the latent's features {self.start} to {self.stop}, but its input has shape "
            f"{input_shape}; expected {(self.width,)}",
        )
        return (1,)
