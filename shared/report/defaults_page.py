"""The page of the frameworks' defaults, in Markdown, with its pictures beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gan_rosetta.shared.defaults.measurement import ALL, BOUND, GanMeasurement
from gan_rosetta.shared.faults.defaults import FRAMEWORKS, framework_defaults
from gan_rosetta.shared.faults.subjects import SUBJECTS
from gan_rosetta.shared.report.defaults_picture import draw_defaults
from gan_rosetta.shared.report.defaults_table import CHANGES, cells, headers, percent
from gan_rosetta.shared.report.pictures import write_picture
from gan_rosetta.shared.report.shown import as_markdown
from gan_rosetta.shared.storage.files import write_bytes

_INTRODUCTION = """\
# What the defaults would have done

Made by `gan-rosetta defaults --markdown docs/defaults.md` (seed {seed}, float64). Nobody types every number: what is
left out, the framework fills in, and each fills in another. Here each GAN is trained on the NumPy reference as it is
described, and again with one framework's default in every place that it touches, from the same state and on the same
data. So a row shows what the default alone changes; no framework's rounding is in it.
"""

_READING = """\
## How to read the tables

- *First difference*: the first quantity, in order of execution, that the default moves beyond what rounding explains
  there, and by how much, relative to the largest entry of its tensor. Looked for in the initial state, in the first
  step of each phase and, where nothing is off there, around the first step whose losses differ in any bit; each step
  starts from the GAN's own state.
- *Losses after k*: |a - b| / max(|a|, |b|) of the losses in step k, counted from 0, so after k steps; the larger of D's
  and G's. The second network's loss of a step already sees the first's update in it. 0 is a difference that rounding
  explains; over 100% is a change of sign.
- *First over {bound}*: the first step in which a loss differs by more than that.
- An asterisk: so late that rounding alone parts the GAN from itself by 0.1%; from there on a difference says nothing of
  the default.
- *{changes}*: of GANs whose step is small, asked with `--seeds`, as `matters` asks
  ([agreement.md](agreement.md#what-matters)): over {num_seeds} seeds from the same data and start, whether any outcome
  changes by more than half of what seeds differ by, and of those that do the one that changes the most.
- *same*: the framework's default is what the GAN has anyway; nothing was run.
- *all together*: every default of the framework that touches the GAN, at once.

## What is modelled

- **Adam, Adadelta**: ε, ρ and where ε stands, in the spec's own terms, in pretraining too. β1 and β2 are the same in
  all three. Learning rates of Adam and of gradient descent are left out, since everybody types them; Adadelta's is
  there, since Keras's 0.001 is a thousandth of torch's, and MXNet's is not read at all.
- **BatchNorm**: ε, the weight of the new value in the running statistics, and whether the running variance is unbiased.
  The last two move only the running statistics, which training never reads: they show as a buffer, and the losses are
  the same to the last bit. A GAN evaluated with its running statistics would show them.
- **Initial values** of Linear, Conv2d and ConvTranspose2d, drawn from the same random numbers in another form.
  Minibatch discrimination is in no framework, so its weights stay; a layer without a bias stays without.
- **BCE's clamp**, in every GAN whose D gives a probability, as if its logarithms were the framework's own BCE:
  - torch's log ≥ -100, with torch's gradient (p - target) / max(p (1 - p), 1e-12), which fades below a probability of
    1e-12: exactly so, but for G's saturating loss in `sine`, where it is a floor of e⁻¹⁰⁰ under the probability.
  - Keras's clip to [1e-7, 1 - 1e-7] is a floor of 1e-7 under the probability, with no gradient below, as Keras has it.
    The clip at 1 - 1e-7 is not modelled: it moves a logarithm by at most 1e-7. Keras leaves the clip out where it sees
    that the probability comes from a sigmoid, as in `fit` on a model that ends in one.
  - MXNet's 1e-12 added in the log is log ≥ ln 1e-12 with a gradient that fades below 1e-12, which is off by ln 2 at
    most, where a probability is near 1e-12. The addition itself moves every logarithm by some 1e-12 / p, in every step,
    beyond float64's rounding; so "none" there means that no probability was that small, and a program that adds would
    differ by 2e-12 from the first step on.
- **LeakyReLU's slope**; MXNet has no default, so no row.
- What is not a number but a form (how a loss is averaged, layouts, when buffers move) is in
  [differences.md](differences.md).

The numbers are those of torch 2.13, Keras 3 in TensorFlow 2.21 and MXNet 1.9.1; the tests
`tests/unit/backends/test_*_defaults.py` read the installed frameworks and hold the catalogue to them.
"""


def write_page(path: Path, results: Sequence[GanMeasurement], /, *, seed: int) -> list[Path]:
    """Write the page, and a picture for each GAN into pictures/ beside it; returns the files written."""
    pictures = path.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    written = []
    for result in results:
        picture = pictures / f"defaults-{result.gan}.png"
        write_picture(picture, draw_defaults(result))
        written.append(picture)
    write_bytes(path, defaults_markdown(results, seed=seed).encode())
    return [path, *written]


def defaults_markdown(results: Sequence[GanMeasurement], /, *, seed: int) -> str:
    """Return the page: the defaults, an overview, how to read it, then a picture and a table for each GAN."""
    parts = [_INTRODUCTION.format(seed=seed), _catalogue(), _overview(results)]
    seeds = {effect.num_seeds for result in results for matter in result.changes.values() for effect in matter.effects}
    parts += [_READING.format(bound=f"{BOUND:.0%}", changes=CHANGES, num_seeds=max(seeds, default="so many"))]
    parts += [_section(result) for result in results]
    return "\n".join(parts)


def _catalogue() -> str:
    lines = ["## The defaults", "", _row(["", *FRAMEWORKS.values()]), _row(["---"] * (1 + len(FRAMEWORKS)))]
    texts = {name: {d.subject: d.text for d in framework_defaults(name)} for name in FRAMEWORKS}
    for subject in SUBJECTS.values():
        lines.append(_row([subject.title, *(texts[name].get(subject.name, "none") for name in FRAMEWORKS)]))
    return "\n".join([*lines, ""])


def _overview(results: Sequence[GanMeasurement]) -> str:
    lines = [
        "## All defaults of a framework at once",
        "",
        "How far the losses are apart after ten steps, and the first step in which one differs by more than "
        f"{BOUND:.0%}.",
        "",
        _row(["GAN", *FRAMEWORKS.values()]),
        _row(["---"] * (1 + len(FRAMEWORKS))),
    ]
    for result in results:
        together = {m.framework: m for m in result.measurements if m.subject == ALL}
        entries = []
        for name in FRAMEWORKS:
            measurement = together[name]
            if measurement.same:
                entries.append("same")
                continue
            over = result.first_over(measurement)
            when = "never" if over is None else f"step {over}"
            step = min(10, result.num_steps - 1)
            entries.append(f"{percent(float(result.apart(measurement)[step]))}, {when}")
        lines.append(_row([result.gan, *entries]))
    return "\n".join([*lines, ""])


def _section(result: GanMeasurement) -> str:
    about = f"Measured on {result.differs}." if result.differs else "Measured as published, all its steps."
    chaos = (
        f" Rounding alone parts it from itself in step {result.horizon}." if result.horizon < result.num_steps else ""
    )
    lines = [
        f"## {result.gan}",
        "",
        f"{as_markdown(result.title)}. {about}{chaos}",
        "",
        f"![Losses of {result.gan} as it is described, and with each framework's defaults]"
        f"(pictures/defaults-{result.gan}.png)",
        "",
        _row(["Framework", *headers(result)]),
        _row(["---"] * (1 + len(headers(result)))),
    ]
    lines += [_row([m.framework, *cells(result, m)]) for m in result.measurements]
    return "\n".join([*lines, ""])


def _row(entries: Sequence[str]) -> str:
    return f"| {' | '.join(map(as_markdown, entries))} |"
