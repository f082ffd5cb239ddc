"""Translates GANs into training programs of a framework, proved before they are handed over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from gan_rosetta.asking import Judged
from gan_rosetta.shared.compare.verdict import Verdict
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate import translation
from gan_rosetta.shared.translate.translation import ProofOptions
from gan_rosetta.wording import speaks_python


class Translation(translation.Translation, Judged):
    """A program as `text`, "" where it does not agree, and how it was proved."""

    @property
    def verdict(self) -> Verdict:
        """The verdict on the program: "AGREE", "DISAGREE", or "NOT COMPARABLE"."""
        return self.proof.verdict

    def lines(self) -> Sequence[str]:
        """What was found, in one line."""
        return [self.sentence]


@speaks_python
def translate(
    gan: str | Path | GanSpec, /, *, to: str, out: str | Path | None = None, **options: Unpack[ProofOptions]
) -> Translation:
    """Write a GAN as a whole training program of a framework, which imports that and NumPy alone.

    gan: a name of the catalogue, a TOML file, or a GanSpec. to: "torch", "tensorflow", "keras", "mxnet", "jax" or
    "flax".
    out: a file to write where the program agrees, FILE.py, or FILE.ipynb for a notebook. options: what it is proved on,
    see ProofOptions; the program itself has the GAN's own numbers. It is run in a process of its own and judged, losses
    and state, before it is handed over.

    Raises UsageError and its like for what cannot be asked, BackendUnavailable for a framework that is not installed,
    RunFailed where the program does not run. docs/translate.md says what is written and proved.
    """
    if out is not None:
        translation.require_new_program(Path(out))
    found = translation.translate(gan, to=to, **options)
    if out is not None and found.text:
        translation.write_translation(Path(out), found)
    return Translation(gan=found.gan, to=found.to, text=found.text, proof=found.proof)
