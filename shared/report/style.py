"""The look that all pictures share: colours, sizes, panels. Nothing here touches matplotlib's global settings."""

from __future__ import annotations

import textwrap
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gan_rosetta.shared.report.shown import shown, shown_in_line
from gan_rosetta.shared.runs.record import Run

DOTS_PER_INCH = 160
TITLE_SIZE = 11.0
_MOST_LETTERS = 300
_MOST_LETTERS_OF_A_RUN = 60
_LETTERS_PER_INCH = 11.0  # Of a title, at least.
TEXT_SIZE = 9.0
SMALL_SIZE = 8.0
INK = "#222222"
QUIET = "#8a8a8a"
GRID = "#e4e4e4"
# Real data is grey and what a GAN made of it blue, in every picture.
REAL = "#b3b3b3"
GENERATED = "#0072b2"
WARNING = "#b2182b"
# What numbers on an axis count in: 1, 2, 2.5 or 5, times a power of ten.
ROUND_STEPS = (1, 2, 2.5, 5, 10)


LineStyle = Literal["-", "--", "-.", ":"]


@dataclass(frozen=True, kw_only=True)
class BackendStyle:
    """How a backend's curves look. Widths fall as orders rise, so that equal curves on one another all stay visible."""

    color: str
    line_style: LineStyle
    marker: str
    width: float
    order: int


# Colours from Okabe and Ito's palette, which differ for every kind of colour vision.
_STYLES = {
    "torch": BackendStyle(color="#d55e00", line_style="-", marker="s", width=4.2, order=2),
    "tensorflow": BackendStyle(color="#56b4e9", line_style="-", marker="o", width=3.2, order=3),
    "mxnet": BackendStyle(color="#009e73", line_style="-", marker="^", width=2.4, order=4),
    "jax": BackendStyle(color="#cc79a7", line_style="-", marker="D", width=1.6, order=5),
    "numpy": BackendStyle(color="#000000", line_style="--", marker=".", width=0.9, order=7),
}
# How a run is drawn whose name has the word.
_WORD_LINES: dict[str, LineStyle] = {"compiled": "-.", "float32": ":", "cuda": "--"}
_OTHER_COLORS = ("#0072b2", "#e69f00", "#7f4f24", "#6a3d9a", "#999933", "#aa4466")
_OTHER_MARKERS = ("v", "P", "X", "*", "<", ">")


def backend_style(name: str, /) -> BackendStyle:
    """Return a backend's style; a name without one of its own gets one that depends on the name alone."""
    if name in _STYLES:
        return _STYLES[name]
    number = zlib.crc32(name.encode(errors="replace"))
    color = _OTHER_COLORS[number % len(_OTHER_COLORS)]
    marker = _OTHER_MARKERS[number // len(_OTHER_COLORS) % len(_OTHER_MARKERS)]
    return BackendStyle(color=color, line_style="-.", marker=marker, width=1.2, order=6)


def run_style(name: str, /) -> BackendStyle:
    """Return a run's style: its backend's colour, drawn by other strokes for each word that its name has.

    An environment of its own makes the colour lighter.
    """
    head, *words = name.split(":")
    backend, at, _ = head.partition("@")
    style = backend_style(backend)
    for word in words:
        style = replace(style, line_style=_WORD_LINES.get(word, style.line_style))
    return replace(style, color=_lighter(style.color)) if at else style


def _lighter(color: str) -> str:
    channels = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{(channel + 255) // 2:02x}" for channel in channels)


def run_labels(runs: Sequence[Run], /) -> list[str]:
    """Return a label for each run: its name and, where names repeat, the settings in which those runs differ."""
    labels = []
    for run in runs:
        same = [other for other in runs if other.name == run.name]
        varying: list[str] = []
        if len(same) > 1:
            facts, mine = [_facts(other) for other in same], _facts(run)
            varying = [mine[key] for key in mine if len({fact[key] for fact in facts}) > 1]
        labels.append(shown_in_line(" ".join([run.name, *varying]), most_letters=_MOST_LETTERS_OF_A_RUN))
    return [label if labels.count(label) == 1 else f"{label} #{i}" for i, label in enumerate(labels, start=1)]


def _facts(run: Run) -> dict[str, str]:
    order = run.order
    return {
        "device": order.run.device,
        "dtype": order.run.dtype,
        "execution": str(run.record.get("execution", "")),
        "seed": f"seed {order.feed.seed}",
    }


class Plain(Figure):
    """A figure whose texts are texts: dollars set mathematics, which may fail, only in the axes' own numbers."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure, its texts as they are shown."""
        numbers = set()
        for axis in (axis for axes in self.axes for axis in (axes.xaxis, axes.yaxis)):
            axis.get_major_ticks()  # Makes those that will be drawn.
            if not isinstance(axis.get_major_formatter(), FuncFormatter):  # What texts for ticks become.
                numbers |= {id(text) for text in axis.findobj(Text)} - {id(axis.label)}
        for text in self.findobj(Text):
            if isinstance(text, Text) and id(text) not in numbers:
                text.set_parse_math(False)
                plain = shown(text.get_text(), most_letters=_MOST_LETTERS)
                if plain != text.get_text():
                    text.set_text(plain)
        super().draw(renderer)


def new_figure(title: str, /, *, width_inches: float, height_inches: float) -> Figure:
    """Return an empty white figure whose panels make room for one another's labels."""
    figure = Plain(figsize=(width_inches, height_inches), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")
    wrapped = textwrap.fill(
        shown_in_line(title, most_letters=_MOST_LETTERS), width=int(_LETTERS_PER_INCH * width_inches)
    )
    figure.suptitle(wrapped, fontsize=TITLE_SIZE, color=INK)
    return figure


def small_multiples(
    title: str, /, *, num_panels: int, panel_inches: tuple[float, float], share: bool = False
) -> tuple[Figure, list[Axes]]:
    """Return a figure of equal panels, row by row, about as many across as fit a page; share: one scale for all.

    Where panels share scales, only those at the left and those with none below them keep their numbers.
    """
    num_columns = _num_columns(num_panels, panel_inches[0])
    num_rows = -(-num_panels // num_columns)
    width, height = panel_inches
    figure = new_figure(title, width_inches=max(5.0, width * num_columns), height_inches=height * num_rows + 0.8)
    grid = figure.subplots(num_rows, num_columns, sharex=share, sharey=share, squeeze=False).ravel()
    for spare in grid[num_panels:]:
        spare.remove()
    panels: list[Axes] = list(grid[:num_panels])
    for index, panel in enumerate(panels):
        dress(panel)
        if share:
            panel.tick_params(labelbottom=index + num_columns >= num_panels, labelleft=index % num_columns == 0)
    return figure, panels


def _num_columns(num_panels: int, panel_width_inches: float) -> int:
    """As many as fit, and then as few as leave the number of rows as it is, so that the last row is not left bare."""
    fitting = max(1, int(10.5 // panel_width_inches))
    num_rows = -(-num_panels // fitting)
    return -(-num_panels // num_rows)


def dress(axes: Axes, /) -> None:
    """Give a panel its quiet frame, grid and small numbers."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(QUIET)
        spine.set_linewidth(0.8)
    axes.set_facecolor("white")
    axes.grid(visible=True, color=GRID, linewidth=0.6, linestyle="-")
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SMALL_SIZE, labelcolor=INK, color=QUIET, length=3, width=0.8)


def whole_steps(axes: Axes, num_steps: int, /) -> None:
    """Scale a panel's horizontal axis to steps 0 to num_steps - 1, with whole numbers on it."""
    margin = max(0.5, 0.015 * num_steps)
    axes.set_xlim(-margin, num_steps - 1 + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, steps=ROUND_STEPS))
    axes.set_xlabel("step", fontsize=TEXT_SIZE, color=INK)


def panel_title(axes: Axes, name: str, facts: str = "", /) -> None:
    """Write a panel's name in bold above it, and facts about it on a second line."""
    axes.set_title(name, fontsize=TEXT_SIZE, color=INK, fontweight="bold", loc="left", pad=18 if facts else 6)
    if facts:
        axes.annotate(
            facts,
            xy=(0, 1),
            xycoords="axes fraction",
            xytext=(0, 5),
            textcoords="offset points",
            fontsize=SMALL_SIZE,
            color=QUIET if "not finite" not in facts else WARNING,
        )


def note(axes: Axes, text: str, /) -> None:
    """Write what is wrong with a panel's numbers in its middle."""
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=TEXT_SIZE,
        color=WARNING,
        bbox={"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": WARNING, "linewidth": 0.8},
        zorder=20,
    )


def legend_below(figure: Figure, handles: Sequence[Artist], /, *, num_columns: int = 5) -> None:
    """Put one legend for all panels below them, where it covers nothing."""
    num_rows = -(-len(handles) // num_columns)
    figure.legend(
        handles=list(handles),
        loc="outside lower center",
        ncols=max(1, -(-len(handles) // num_rows)),
        frameon=False,
        fontsize=SMALL_SIZE,
        labelcolor=INK,
        handlelength=2.4,
        columnspacing=1.6,
    )
