"""Assembles Sphinx's sources from pages, programs, pictures and notebooks, and lets Sphinx make the site."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from io import StringIO
from pathlib import Path

import numpy as np
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.translate.notebook import notebook_text as notebook_of_program
from tutorials.machinery.fingerprint import framework_version
from tutorials.machinery.inputs import read_inputs
from tutorials.machinery.lessons import FRAMEWORKS, HOME
from tutorials.machinery.library import NAME as LIBRARY
from tutorials.machinery.library import library_page
from tutorials.machinery.notebooks import notebook_name, notebook_text
from tutorials.machinery.pages import make_page, verdict_table
from tutorials.machinery.pictures import FILM_FILE, FRAMES_FILE, LOSSES_FILE, draw_lesson
from tutorials.machinery.porting import NAME as PORTING
from tutorials.machinery.porting import porting_page
from tutorials.machinery.running import LessonResult
from tutorials.machinery.translated_pages import contents_of_translations, translated_notebook, translated_page
from tutorials.machinery.translations import TranslatedPage
from tutorials.machinery.worker import FIGURE_FILE, RECORD_FILE

_NUM_REAL = 1000
_PICTURES_MARKER = "drawn.json"


def assemble(results: list[LessonResult], translated: list[TranslatedPage], root: Path, sources: Path, /) -> None:
    """Write the sources of the site. root: where the lessons ran. Files that would stay the same are left alone."""
    for result in results:
        folder, place = root / result.lesson.name, sources / result.lesson.name
        place.mkdir(parents=True, exist_ok=True)
        for name in _draw_if_stale(result, folder):
            _copy(folder / "pictures" / name, place / name)
        text = (result.lesson.folder / "page.md").read_text(encoding="utf-8")
        _write(place / "index.md", make_page(result, text))
        for framework in result.records:
            _copy(folder / framework / FIGURE_FILE, place / f"{framework}.png")
            _copy(result.lesson.program(framework), place / f"in_{framework}.py")
            _write(place / notebook_name(result.lesson, framework), notebook_text(result.lesson, framework))
    for page in translated:
        place = sources / page.gan
        place.mkdir(parents=True, exist_ok=True)
        _write(place / "index.md", translated_page(page))
        for dialect, program in page.programs.items():
            _write(place / f"in_{dialect}.py", program.text)
            _write(place / translated_notebook(page.gan, dialect), notebook_of_program(program.text))
    _write(sources / f"{LIBRARY}.md", library_page())
    _write(sources / f"{PORTING}.md", porting_page())
    _write(sources / "index.md", _index(results, translated))


def build_site(sources: Path, site: Path, /) -> None:
    """Make the site; raises RuntimeError with Sphinx's words where it warns, since a warning is a broken page."""
    said = StringIO()
    with docutils_namespace(), warnings.catch_warnings():
        # Extensions use what a later Sphinx will no longer have; the pins keep this one.
        for category in (DeprecationWarning, PendingDeprecationWarning):
            warnings.simplefilter("ignore", category)
        application = Sphinx(
            srcdir=sources,
            confdir=HOME / "site",
            outdir=site,
            doctreedir=sources.parent / "doctrees",
            buildername="html",
            status=None,
            warning=said,
        )
        application.build()
    if said.getvalue():
        raise RuntimeError(f"Sphinx warns about the site's pages:\n{said.getvalue()}")


def _draw_if_stale(result: LessonResult, folder: Path) -> list[str]:
    """Draw a lesson's pictures unless they are those of the same runs by the same code; return their names."""
    pictures = folder / "pictures"
    marker = pictures / _PICTURES_MARKER
    records = {name: (folder / name / RECORD_FILE).read_bytes() for name in result.records}
    runs = {name: hashlib.sha256(content).hexdigest() for name, content in records.items()}
    code = Path(__file__).with_name("pictures.py").read_text(encoding="utf-8")
    state = json.dumps({"runs": runs, "code": code, "lesson": repr(result.lesson)})
    if not marker.is_file() or marker.read_text(encoding="utf-8") != state:
        draw_lesson(result, _real_samples(result, folder), pictures)
        marker.write_text(state, encoding="utf-8")
    return [name for name in (LOSSES_FILE, FRAMES_FILE, FILM_FILE) if (pictures / name).exists()]


def _real_samples(result: LessonResult, folder: Path) -> np.ndarray:
    _, tape = read_inputs(result.lesson, folder / "inputs")
    spec = result.lesson.spec
    steps = min(spec.training.num_steps, -(-_NUM_REAL // spec.batch_size))
    real = tape.arrays("adversarial", first_step=0, num_steps=steps)["real"]
    return real.reshape(-1, *real.shape[2:])[:_NUM_REAL]


def _index(results: list[LessonResult], translated: list[TranslatedPage]) -> str:
    text = (HOME / "index.md").read_text(encoding="utf-8")
    versions = ", ".join(f"{title} {framework_version(name)}" for name, title in FRAMEWORKS.items())
    contents = [f"1. [](/{r.lesson.name}/index.md): {r.lesson.summary}" for r in results]
    text = text.replace("```{contents-of-lessons}\n```", "\n".join(contents))
    text = text.replace("```{contents-of-translations}\n```", contents_of_translations(translated))
    names = (*(result.lesson.name for result in results), *(page.gan for page in translated))
    pages = "\n".join((*(f"{name}/index" for name in names), PORTING, LIBRARY))
    text = text.replace("```{table}\n```", f"{verdict_table(results)}\n\n{versions}, float64, one thread.")
    return f"{text}\n```{{toctree}}\n:hidden:\n\n{pages}\n```\n"


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_bytes(path, text.encode())


def _copy(source: Path, target: Path) -> None:
    if not target.exists() or target.read_bytes() != source.read_bytes():
        shutil.copyfile(source, target)
