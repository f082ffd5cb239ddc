"""What a GAN that fails is shrunk by: it goes on failing as it did, and not by an error that a smaller one raises."""

from __future__ import annotations

from collections.abc import Sequence

from gan_rosetta.shared.diagnose.rows import Row
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.generate import session
from gan_rosetta.shared.generate.check import Finding
from gan_rosetta.shared.spec import GanSpec

OFF = Finding(
    row=Row(
        visit="step 0",
        phase="generator",
        quantity="loss",
        stream="",
        name="loss",
        difference=1.0,
        noise=1e-16,
        allowed=1e-15,
        got=1.0,
        expected=2.0,
        index=(),
    )
)
RAISED = Finding(error="optimizer got an empty parameter list")


class _Pool:
    """A backend that is off on every GAN, and raises an error on those in batches of less than 3."""

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def check(self, specs: Sequence[GanSpec]) -> dict[str, list[Finding]]:
        return {"torch": [OFF if spec.batch_size > 2 else RAISED for spec in specs]}


def _kept(finding: Finding) -> session.Failure:
    return session._keep(find_gan("linear-2d"), 7, "torch", finding, None, new_pool=lambda names: _Pool(), shrinks=True)


def test_a_quantity_that_is_off_is_not_shrunk_to_an_error():
    failure = _kept(OFF)
    assert failure.finding == OFF
    assert failure.spec.batch_size > 2


def test_an_error_is_shrunk_to_an_error():
    failure = _kept(RAISED)
    assert failure.finding == RAISED
    assert failure.spec.batch_size <= 2
