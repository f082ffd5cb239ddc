"""The page of the atlas of accuracy, in Markdown, with its pictures beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gan_rosetta.shared.accuracy.catalogue import GROUPS
from gan_rosetta.shared.accuracy.defects import DEFECTS
from gan_rosetta.shared.accuracy.envelope import NUM_COPIES
from gan_rosetta.shared.accuracy.findings import SOUND_ULP
from gan_rosetta.shared.accuracy.session import Atlas
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.report.accuracy_findings import findings
from gan_rosetta.shared.report.accuracy_picture import draw_group
from gan_rosetta.shared.report.accuracy_table import KNOWN, NOT_COVERED, conclusion, group_lines, uncovered_lines
from gan_rosetta.shared.report.pictures import write_picture
from gan_rosetta.shared.report.shown import as_markdown
from gan_rosetta.shared.storage.files import write_bytes

# What people train in; the tables have both types.
_DRAWN: Dtype = "float32"

_INTRODUCTION = """\
# How accurate each operation of training is

Made by `gan-rosetta accuracy --markdown docs/accuracy.md`. Every activation, loss, sum, norm and optimizer of the
vocabulary, on every framework, eager and compiled, in float32 and float64, through the very call that trains: the error
of each result in units of the last place, and whether the rounding that is [measured on the reference](agreement.md)
explains how far it is from the reference's.
"""

_READING = """\
## How to read it

- *ulp*: the distance from a number of the type to the next. A correctly rounded result errs by at most 0.5 ulp. The
  truth is computed in extended precision (64 bits), by formulas that lose no digits; tests hold it to mpmath. A
  convolution's or a penalty's results are a tensor, and their error is in ulp of its largest entry.
- A cell has the largest error over all inputs for which the reference's formula is sound (it errs by at most
  {sound:.0f} ulp, and the truth is no subnormal number), eager / compiled, one number where these do the same. *→ 300*:
  over all inputs, where that is more: there the formula itself loses digits, in the reference as in the framework.
  *all*: no digit is left. *∞*: not finite where the truth is.
- *Covered*: no further from the NumPy reference than the yardstick allows, as in a verdict, on {copies} copies that
  round at random. {not_covered} marks what is not, {known} what is a known defect, named below.
- Inputs reach from the smallest subnormal number to near the largest. Each operation is a GAN of one or two layers
  whose step is that operation: a latent of 1 times a weight is the input, and Adam with β₁ = 0 keeps each gradient
  whole in its slot. So backends from outside are measured too.
- In the pictures ({drawn}), what is shaded rounding explains; solid is eager, dashed or hollow compiled; what is not
  covered has a ring.
"""

_ALTERNATIVES = {
    "activations": "Errors of activations and their derivatives over their argument",
    "losses": "Errors of losses and their gradients over the logit",
    "sums": "Errors of sums, dot products and convolutions by kind of terms",
    "norms": "Errors of BatchNorm, spectral norm, minibatch discrimination and the gradient penalty",
    "optimizers": "Errors of optimizers' new parameters over the gradient",
}


def write_page(path: Path, atlas: Atlas, /) -> list[Path]:
    """Write the page, and a picture for each group of operations to pictures/ beside it; returns the files written."""
    pictures = path.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    written = []
    for group in GROUPS:
        figure = draw_group(atlas, group, dtype=_DRAWN)
        if figure is not None:
            write_picture(pictures / _picture(group), figure)
            written.append(pictures / _picture(group))
    write_bytes(path, accuracy_markdown(atlas).encode())
    return [path, *written]


def accuracy_markdown(atlas: Atlas, /) -> str:
    """Return the page: how to read it, what was found, known defects, then a picture and a table for each group."""
    reading = _READING.format(sound=SOUND_ULP, copies=NUM_COPIES, not_covered=NOT_COVERED, known=KNOWN, drawn=_DRAWN)
    parts = [_INTRODUCTION, f"{conclusion(atlas)}.\n", reading, _list("## What was found", findings(atlas))]
    unknown = uncovered_lines(atlas)[:-1]
    if unknown:
        parts.append(_list("## Neither covered nor known", unknown))
    parts.append(_defects(atlas))
    parts += [_section(atlas, group) for group in GROUPS if group_lines(atlas, group)]
    return "\n".join(parts)


def _picture(group: str) -> str:
    return f"accuracy-{group}.png"


def _list(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "", *(f"- {line}" for line in lines), ""])


def _defects(atlas: Atlas) -> str:
    """Return what is known of the frameworks, each with how often it was seen and a script that shows it."""
    lines = ["## Known defects", ""]
    for defect in (each for each in DEFECTS if "cpu" in each.devices):  # which is what the atlas is measured on
        seen = {
            backend: sum(
                each.defect == defect.name for row in atlas.rows if row.backend == backend for each in row.uncovered
            )
            for backend in defect.backends
        }
        counts = ", ".join(f"{backend}: {count} results" for backend, count in seen.items())
        lines += [f"**{defect.title}** ({counts}). {defect.reason}", ""]
        for backend, script in defect.scripts.items():
            if backend in seen:
                lines += ["```python", f"{script.program}  # {script.prints}", "```", ""]
    return "\n".join(lines)


def _section(atlas: Atlas, group: str) -> str:
    header = ["Operation", "Quantity", "Type", *map(as_markdown, atlas.backends)]
    lines = [f"## {GROUPS[group]}", "", f"![{_ALTERNATIVES[group]}](pictures/{_picture(group)})", ""]
    lines += [_row(header), _row(["---"] * len(header))]
    previous = ("", "")
    for line in group_lines(atlas, group):
        shown = list(line)
        # A name stands once.
        if line[0] == previous[0]:
            shown[0] = ""
            shown[1] = "" if line[:2] == previous else line[1]
        previous = line[0], line[1]
        lines.append(_row(shown))
    return "\n".join([*lines, ""])


def _row(entries: Sequence[str]) -> str:
    return f"| {' | '.join(entries)} |"
