"""The process that translates GANs for the site, as `gan-rosetta translate` does, and keeps programs and judgements.

Run as `python -m tutorials.machinery.translating ORDERS`, with a list of orders as JSON: {"gan", "dialects", "steps",
"out"}. It leaves out/<dialect>/program.py and proof.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.translate.proof import ReferenceOnce
from gan_rosetta.shared.translate.translation import translate
from tutorials.machinery.translations import PROGRAM_FILE, PROOF_FILE


def translate_to_each(gan: str, dialects: Iterable[str], steps: int | None, out: Path, /) -> None:
    """Translate a GAN to several frameworks; the reference is measured once for all of them."""
    once = ReferenceOnce()
    for dialect in dialects:
        found = translate(gan, to=dialect, steps=steps, pretrain_steps=steps, once=once)
        folder = out / dialect
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / PROGRAM_FILE, found.text.encode())
        write_bytes(folder / PROOF_FILE, json.dumps(found.as_data(), indent=1).encode())


if __name__ == "__main__":
    for order in json.loads(sys.argv[1]):
        translate_to_each(order["gan"], order["dialects"], order["steps"], Path(order["out"]))
