"""Pages for Sphinx of GANs without a lesson: what `translate` writes, section by section, a tab for each framework."""

from __future__ import annotations

import json

from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.translate.notebook import notebook_text
from tutorials.machinery.pages import downloads, tabs
from tutorials.machinery.translations import TITLES, TranslatedPage, TranslatedProgram

_SETTINGS = "Settings"
_LEAD = """Written by `gan-rosetta translate {gan} --to …` from one description of this GAN, and shown as it is written.
Each program imports its framework and NumPy and nothing of the suite. Before it was put here, it was run by itself on
the suite's batches and initial parameters, and what it left was held to the float64 reference; below it stands what was
found."""


def translated_notebook(gan: str, dialect: str, /) -> str:
    """Return the file name of a program's notebook."""
    return f"{gan}-{dialect}.ipynb"


def program_sections(text: str, /) -> dict[str, str]:
    """Return a program's sections as Markdown, by heading, without its head."""
    _, first, *rest = ("".join(cell["source"]) for cell in json.loads(notebook_text(text))["cells"])
    sections = {_SETTINGS: first}
    sections |= {heading.removeprefix("## "): code for heading, code in zip(rest[::2], rest[1::2], strict=True)}
    return {heading: f"```python\n{code}\n```" for heading, code in sections.items()}


def translated_page(page: TranslatedPage, /) -> str:
    """Return a GAN's page: its programs in tabs, section by section, and the judgement below each."""
    spec = find_gan(page.gan)
    sections = {dialect: program_sections(program.text) for dialect, program in page.programs.items()}
    text = f"# {spec.title}\n\nAfter {spec.source}.\n\n{_LEAD.replace('{gan}', page.gan)}\n"
    headings = list(next(iter(sections.values())))
    for heading in headings:
        parts = {dialect: found[heading] for dialect, found in sections.items()}
        if heading == headings[-1]:
            parts = {name: f"{part}\n\n{page.programs[name].judgement}" for name, part in parts.items()}
        text += f"\n## {heading}\n\n{tabs(parts, TITLES)}\n"
    text += f"\n## The same in every one\n\n{judgement_table(page)}\n"
    return text + downloads({dialect: translated_notebook(page.gan, dialect) for dialect in page.programs}, TITLES)


def judgement_table(page: TranslatedPage, /) -> str:
    """Return the judgements as a Markdown table with a row for each framework."""
    heads = ("framework", "verdict", "steps", "samples", "largest loss difference", "of the state, tensors", "versions")
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for dialect, program in page.programs.items():
        found = program.found
        steps = str(found["steps"])
        steps = f"{found['pretraining_steps']} + {steps}" if found["pretraining_steps"] else steps
        state = found["largest_state_difference"]
        cells = [
            TITLES[dialect],
            program.verdict,
            steps,
            str(found["batch_size"]),
            f"{found['largest_loss_difference']:.0e}",
            "not judged" if state is None else f"{state:.0e}, {found['tensors']}",
            ", ".join(f"{name} {version}" for name, version in found["versions"].items()),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def contents_of_translations(pages: list[TranslatedPage], /) -> str:
    """Return a Markdown table of the pages, linked, with the lines and the verdict of each framework's program."""
    if not pages:
        return ""
    dialects = list(pages[0].programs)
    lines = [f"| GAN | {' | '.join(TITLES[each] for each in dialects)} |", f"| --- |{' --- |' * len(dialects)}"]
    for page in pages:
        cells = " | ".join(_cell(page.programs[dialect]) for dialect in dialects)
        lines.append(f"| [{page.gan}](/{page.gan}/index.md) | {cells} |")
    return "\n".join(lines)


def _cell(program: TranslatedProgram) -> str:
    return f"{program.verdict}, {program.found['largest_loss_difference']:.0e}"
