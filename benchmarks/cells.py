"""A cell of the benchmark: one GAN on one backend, in one execution, on one device, in one type."""

from __future__ import annotations

from dataclasses import dataclass

from gan_rosetta.benchmarks.scaling import with_batch_size, with_width
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.interface import precision_name
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.toml_file import spec_from_toml

# Not one of the backends: the C program of benchmarks/floor, which runs in a worker of the reference's.
FLOOR = "c-floor"
# The variant that is a published program's own loop, of benchmarks/published.
AS_PUBLISHED = "as published"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What is measured.

    threads: of the framework. batch_size: samples a step. width: factor on the hidden layers. variant: another way of
    training the steps than the backend's own, AS_PUBLISHED or of benchmarks/accelerator.py; None for its own.
    spec_text: the TOML that describes the GAN, None for one of the catalogue. environment: the name of the backend's
    environment, None for its usual one. products: what float32 products keep of their factors (shared/interface/).
    """

    gan: str
    backend: str
    execution: str
    device: str
    dtype: str
    threads: int
    batch_size: int
    width: float = 1.0
    variant: str | None = None
    spec_text: str | None = None
    environment: str | None = None
    products: str = "full"

    @property
    def label(self) -> str:
        """What runs the GAN, in words."""
        if self.backend == FLOOR:
            return "C loop, the floor"
        where = "" if self.environment is None else f"@{self.environment}"
        return f"{self.backend}{where} {self.execution}" + ("" if self.variant is None else f", {self.variant}")

    @property
    def precision(self) -> str:
        """The type, with what products keep where that is not all."""
        return precision_name(self.dtype, self.products)

    @property
    def setting(self) -> str:
        """The GAN and everything else that cells must share to be compared with one another."""
        size = "" if self.width == 1.0 else f", width × {self.width:g}"
        return f"{self.gan}, batch {self.batch_size}{size}, {self.device}, {self.precision}"

    @property
    def key(self) -> tuple[str, ...]:
        """What makes two cells of two records the same cell: everything but the threads."""
        identity = (self.gan, self.backend, self.execution, self.device, self.precision)
        variant = () if self.variant is None else (self.variant,)
        own = () if self.spec_text is None else (self.spec_text,)
        where = () if self.environment is None else (f"@{self.environment}",)
        return (*identity, str(self.batch_size), f"{self.width:g}", *variant, *own, *where)

    def spec(self) -> GanSpec:
        """Return the GAN as this cell trains it; raises UsageError for an unknown name, SpecError for a bad size."""
        return cell_spec(self.gan, batch_size=self.batch_size, width=self.width, spec_text=self.spec_text)


def cell_spec(
    gan: str, /, *, batch_size: int | None = None, width: float = 1.0, spec_text: str | None = None
) -> GanSpec:
    """Return a GAN in another size, without its pretraining; None keeps its own batch size.

    spec_text: the TOML that describes it, None for one of the catalogue. Raises UsageError for an unknown name,
    SpecError where the size contradicts the GAN.
    """
    spec = find_gan(gan) if spec_text is None else spec_from_toml(spec_text, where=gan)
    spec = with_width(spec, width).with_steps(pretraining=0)
    return spec if batch_size is None else with_batch_size(spec, batch_size)
