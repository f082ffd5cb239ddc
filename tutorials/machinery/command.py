"""The command `python -m tutorials`. Exit status: 0 all agree, 1 a lesson drifts, 2 wrong usage, 3 a lesson crashes."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gan_rosetta.shared.errors import GanRosettaError, UsageError
from tutorials.machinery.judging import LessonDrift, LessonVerdict, assert_agreement
from tutorials.machinery.lessons import FRAMEWORKS, choose_lessons
from tutorials.machinery.running import LessonCrash, LessonResult, run_lessons
from tutorials.machinery.translations import TITLES, TranslatedPage, choose_translated, run_translations

DRIFT, WRONG_USAGE, CRASH = 1, 2, 3

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Lessons that run, and are held to it.")
_output = Console()
_errors = Console(stderr=True)

Lessons = Annotated[list[str] | None, typer.Argument(help="Lessons; all where none is named.")]
Work = Annotated[Path, typer.Option("--work", help="Folder of the runs, which are kept while nothing changes.")]
Frameworks = Annotated[
    str | None, typer.Option("--frameworks", help="Frameworks, separated by commas; all where not given.")
]
_WORK = Path("build/tutorials")


@app.command()
def check(lessons: Lessons = None, *, frameworks: Frameworks = None, work: Work = _WORK) -> None:
    """Run the lessons' programs and hold their losses to the suite's own record, step for step."""
    _run(lessons or [], _chosen(frameworks, FRAMEWORKS), work)


@app.command()
def build(*, work: Work = _WORK, site: Annotated[Path, typer.Option("--site")] = Path("build/site")) -> None:
    """Check all lessons, and translations of the GANs without one, then make the site: pages, pictures, notebooks."""
    from tutorials.machinery.site import assemble, build_site  # noqa: PLC0415 - check does without Sphinx

    started = time.perf_counter()
    results = _run([], list(FRAMEWORKS), work)
    translated = _translate([], list(TITLES), work)
    sources = work / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    assemble(results, translated, work, sources)
    build_site(sources, site)
    _output.print(f"{site / 'index.html'} is up to date, after {time.perf_counter() - started:.0f} s")


@app.command()
def translate(
    gans: Annotated[list[str] | None, typer.Argument(help="GANs; all that have no lesson where none is named.")] = None,
    *,
    frameworks: Frameworks = None,
    work: Work = _WORK,
) -> None:
    """Translate the catalogue's GANs that have no lesson by hand, and prove the programs, unless nothing changed."""
    _translate(gans or [], _chosen(frameworks, TITLES), work)


@app.command()
def notebooks(folder: Annotated[Path, typer.Argument(help="Where to write them.")] = Path("build/notebooks")) -> None:
    """Write the notebooks, one a lesson and framework, without running anything."""
    from tutorials.machinery.notebooks import write_notebook  # noqa: PLC0415

    for lesson in choose_lessons([]):
        for framework in FRAMEWORKS:
            _output.print(str(write_notebook(lesson, framework, folder)), highlight=False, soft_wrap=True)


def _report(line: str) -> None:
    _errors.print(line, markup=False, soft_wrap=True)


def _run(names: list[str], frameworks: list[str], work: Path) -> list[LessonResult]:
    results = run_lessons(choose_lessons(names), frameworks, work, report=_report)
    verdicts = [verdict for result in results for verdict in result.verdicts.values()]
    _output.print(_table(verdicts))
    assert_agreement(verdicts)
    return results


def _translate(names: list[str], dialects: list[str], work: Path) -> list[TranslatedPage]:
    pages = run_translations(choose_translated(names), dialects, work, report=_report)
    programs = [program for page in pages for program in page.programs.values()]
    _output.print(*(program.sentence for program in programs), sep="\n", markup=False, highlight=False, soft_wrap=True)
    assert_agreement(programs)
    return pages


def _table(verdicts: list[LessonVerdict]) -> Table:
    table = Table("lesson", "framework", "verdict", "judged steps", "largest loss difference")
    for verdict in verdicts:
        found = verdict.judgement
        judged = f"{found.checked_steps} of {found.num_steps}"
        cells = (verdict.lesson.name, FRAMEWORKS[verdict.framework], found.verdict, judged, f"{found.largest:.0e}")
        table.add_row(*cells)
    return table


def _chosen(frameworks: str | None, known: Collection[str]) -> list[str]:
    names = [name.strip() for name in (frameworks or ",".join(known)).split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise UsageError(f"framework is {name!r}; expected one of {', '.join(known)}")
    return names


def main() -> None:
    """Run the command; what a user or a lesson can cause becomes a message and an exit status."""
    try:
        app()
    except LessonDrift as error:
        _errors.print(f"tutorials: a lesson is not what the suite trains\n{error}", markup=False, soft_wrap=True)
        sys.exit(DRIFT)
    except LessonCrash as error:
        _errors.print(f"tutorials: {error}", markup=False, soft_wrap=True)
        sys.exit(CRASH)
    except GanRosettaError as error:
        _errors.print(f"tutorials: {error}", markup=False, soft_wrap=True)
        sys.exit(WRONG_USAGE)
