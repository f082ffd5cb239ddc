"""Pages for Sphinx: a lesson's prose with the sections of its programs put in, a tab for each framework."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gan_rosetta.shared.errors import UsageError
from tutorials.machinery.judging import LessonVerdict
from tutorials.machinery.lessons import FRAMEWORKS, Lesson
from tutorials.machinery.notebooks import notebook_name, program_cells
from tutorials.machinery.pictures import FILM_FILE, FRAMES_FILE, LOSSES_FILE
from tutorials.machinery.running import LessonResult

SECTIONS = ("Data", "Model", "Losses", "Step", "Loop", "Picture")
_PLACE = re.compile(r"^```\{(program|result|table)\} *(\w*)\n```$", flags=re.MULTILINE)


def split_sections(lesson: Lesson, framework: str, /) -> dict[str, str]:
    """Return a program's sections as Markdown, by heading; raises UsageError unless they are SECTIONS in order."""
    sections: dict[str, list[str]] = {}
    for cell in program_cells(lesson, framework)[1:]:
        if cell.cell_type == "markdown":
            heading, _, text = str(cell.source).partition("\n")
            if not heading.startswith("## "):
                raise UsageError(f"{lesson.program(framework)}: a cell starts with {heading!r}; expected '## SECTION'")
            sections[heading.removeprefix("## ")] = [text.strip()]
        else:
            sections[list(sections)[-1]].append(f"```python\n{cell.source.strip()}\n```")
    if tuple(sections) != SECTIONS:
        raise UsageError(f"{lesson.program(framework)} has sections {', '.join(sections)}; expected {SECTIONS}")
    return {heading: "\n\n".join(filter(None, parts)) for heading, parts in sections.items()}


def make_page(result: LessonResult, text: str, /) -> str:
    """Return a lesson's page with its places filled: ```{program} SECTION```, ```{result} losses``` and the like."""
    lesson = result.lesson
    sections = {framework: split_sections(lesson, framework) for framework in result.records}
    used = [match[2] for match in _PLACE.finditer(text) if match[1] == "program"]
    if tuple(used) != SECTIONS:
        raise UsageError(f"{lesson.folder / 'page.md'} shows sections {', '.join(used)}; expected {SECTIONS}")

    def fill(match: re.Match[str]) -> str:
        kind, argument = match[1], match[2]
        if kind == "program":
            parts = {framework: found[argument] for framework, found in sections.items()}
            if argument == "Picture":
                parts = {framework: f"{part}\n\n{_picture(framework)}" for framework, part in parts.items()}
            return tabs(parts, FRAMEWORKS)
        if kind == "table":
            return lesson_table(list(result.verdicts.values()))
        return _RESULTS[argument]

    notebooks = {framework: notebook_name(lesson, framework) for framework in result.records}
    return _PLACE.sub(fill, text) + downloads(notebooks, FRAMEWORKS)


def verdict_table(results: list[LessonResult], /) -> str:
    """Return a Markdown table with a row for each lesson, linked, and a column for each framework."""
    frameworks = list(results[0].records)
    titles = " | ".join(FRAMEWORKS[framework] for framework in frameworks)
    lines = [f"| lesson | judged steps | {titles} |", f"| --- | --- |{' --- |' * len(frameworks)}"]
    for result in results:
        judged = result.verdicts[frameworks[0]].judgement
        cells = " | ".join(_cell(result.verdicts[framework]) for framework in frameworks)
        link = f"[](/{result.lesson.name}/index.md)"
        lines.append(f"| {link} | {judged.checked_steps} of {judged.num_steps} | {cells} |")
    return "\n".join(lines)


def lesson_table(verdicts: list[LessonVerdict], /) -> str:
    """Return a lesson's verdicts as a Markdown table with a row for each framework."""
    lines = ["| framework | verdict | judged steps | largest loss difference |", "| --- | --- | --- | --- |"]
    for verdict in verdicts:
        judged = verdict.judgement
        steps = f"{judged.checked_steps} of {judged.num_steps}"
        lines.append(f"| {FRAMEWORKS[verdict.framework]} | {judged.verdict} | {steps} | {judged.largest:.0e} |")
    return "\n".join(lines)


def _cell(verdict: LessonVerdict) -> str:
    return f"{verdict.judgement.verdict}, {verdict.judgement.largest:.0e}"


def tabs(parts: Mapping[str, str], titles: Mapping[str, str], /) -> str:
    """Return a set of tabs, a part each, that switches with every other one on every page."""
    lines = ["::::::{tab-set}", ":sync-group: framework", ""]
    for framework, text in parts.items():
        lines += [f":::::{{tab-item}} {titles[framework]}", f":sync: {framework}", "", text, ":::::", ""]
    return "\n".join([*lines, "::::::"])


def downloads(notebooks: Mapping[str, str], titles: Mapping[str, str], /) -> str:
    """Return the end of a page, which links its programs, and their notebooks by name."""
    links = [
        f"- {titles[framework]}: {{download}}`notebook <{name}>`, {{download}}`program <in_{framework}.py>`"
        for framework, name in notebooks.items()
    ]
    return "\n\n## Take it with you\n\n" + "\n".join(links) + "\n"


def _picture(framework: str) -> str:
    alt = f"What the {FRAMEWORKS[framework]} program draws"
    return f"```{{image}} {framework}.png\n:alt: {alt}\n:class: picture\n```"


def _figure(file: str, alt: str, caption: str) -> str:
    return f":::{{figure}} {file}\n:alt: {alt}\n:class: picture\n\n{caption}\n:::"


_RESULTS = {
    "losses": _figure(
        LOSSES_FILE,
        "Losses of three frameworks, and their distances from the reference",
        "Above: the losses, one line a framework, drawn over each other. Below: how far each is from the suite's "
        "float64 reference. The shaded area is what rounding alone explains.",
    ),
    "frames": _figure(FRAMES_FILE, "Samples as training goes on", "Samples as training goes on, a row a framework."),
    "film": _figure(FILM_FILE, "Training as a film", "The run of the PyTorch program as a film."),
}
