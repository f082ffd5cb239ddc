"""The lessons, run once for all tests: shortened, one process a framework and one for the reference."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tutorials.machinery.fingerprint import framework_version
from tutorials.machinery.inputs import write_inputs
from tutorials.machinery.lessons import FRAMEWORKS, LESSONS, Lesson
from tutorials.machinery.running import judge_folder, run_module
from tutorials.machinery.site import assemble, build_site
from tutorials.machinery.translations import Translated, run_translations

# One step of mnist-conv takes the reference and its copies half a minute whatever the batch, for its millions of
# parameters; `python -m tutorials check` and `make site` run it, and so do the tests with GAN_ROSETTA_LONG=1.
COSTLY = () if os.environ.get("GAN_ROSETTA_LONG") == "1" else ("mnist-conv",)
RUN = {name: lesson.shortened() for name, lesson in LESSONS.items() if name not in COSTLY}
INSTALLED = [framework for framework in FRAMEWORKS if framework_version(framework)]
# A GAN without a lesson, two steps of it in what starts fastest; `python -m tutorials translate` has all, in each.
TRANSLATED = Translated(gan="gaussian-1d-adam-minibatch", steps=2)
DIALECTS_SHOWN = [name for name in ("torch", "jax") if name in INSTALLED]


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("tutorials"))


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> Path:
    """The folder in which the shortened lessons ran, one folder each."""
    root = tmp_path_factory.mktemp("tutorials")
    for lesson in RUN.values():
        write_inputs(lesson, root / lesson.name / "inputs")
    with ThreadPoolExecutor(max_workers=2) as pool:
        jobs = [pool.submit(run_references, root), *(pool.submit(run_programs, name, root) for name in INSTALLED)]
        for job in jobs:
            job.result()
    return root


@pytest.fixture(scope="session")
def results(runs):
    return {name: judge_folder(lesson, INSTALLED, runs / name) for name, lesson in RUN.items()}


def run_references(root: Path) -> None:
    orders = [
        {"lesson": name, "inputs": str(root / name / "inputs"), "out": str(root / name), "short": True} for name in RUN
    ]
    finished = run_module("tutorials.machinery.reference", json.dumps(orders))
    assert finished.returncode == 0, finished.stderr


def run_programs(framework: str, root: Path) -> None:
    orders = [program_order(lesson, framework, root / lesson.name) for lesson in RUN.values()]
    finished = run_module("tutorials.machinery.worker", json.dumps(orders))
    assert finished.returncode == 0, finished.stderr


def program_order(lesson: Lesson, framework: str, folder: Path) -> dict[str, object]:
    return {
        "program": str(lesson.program(framework)),
        "inputs": str(folder / "inputs"),
        "out": str(folder / framework),
        "parameters": lesson.parameters(),
    }


@pytest.fixture(scope="session")
def translated(tmp_path_factory):
    """A function that translates the GAN where it is not fresh and returns its page, and what was said of that."""
    root = tmp_path_factory.mktemp("translated")

    def run():
        said: list[str] = []
        (page,) = run_translations([TRANSLATED], DIALECTS_SHOWN, root, report=said.append)
        return page, said

    return run


@pytest.fixture(scope="session")
def translated_pages(translated):
    return [translated()[0]] if DIALECTS_SHOWN else []


@pytest.fixture(scope="session")
def rebuild(runs, results, translated_pages):
    """Make the site of the shortened lessons and a translated page; called again, make it again."""

    def build() -> Path:
        sources, site = runs / "sources", runs / "site"
        sources.mkdir(exist_ok=True)
        assemble(list(results.values()), translated_pages, runs, sources)
        build_site(sources, site)
        return site

    return build


@pytest.fixture(scope="session")
def site(rebuild) -> Path:
    """The folder of the site that the shortened lessons give."""
    return rebuild()
