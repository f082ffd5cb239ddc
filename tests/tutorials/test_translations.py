"""The pages of GANs without a lesson: the programs that `translate` writes today, each with its judgement below."""

from __future__ import annotations

import html
import itertools
import re
from dataclasses import replace

import pytest

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.proof import same_code
from tests.tutorials.conftest import DIALECTS_SHOWN, TRANSLATED
from tutorials.machinery import translations
from tutorials.machinery.judging import LessonDrift, assert_agreement
from tutorials.machinery.lessons import LESSONS
from tutorials.machinery.translated_pages import judgement_table, program_sections, translated_page
from tutorials.machinery.translations import (
    TITLES,
    TranslatedPage,
    TranslatedProgram,
    choose_translated,
    translation_fingerprint,
    without_lesson,
)

SECTIONS = ["Settings", "Data", "Model", "Losses", "Optimizers", "Step", "Loop", "Picture"]
needs_a_framework = pytest.mark.skipif(not DIALECTS_SHOWN, reason="neither PyTorch nor JAX is installed")


def test_every_gan_of_the_catalogue_has_a_lesson_or_a_page():
    by_hand = {lesson.gan for lesson in LESSONS.values()}
    assert by_hand.isdisjoint(without_lesson())
    assert by_hand | set(without_lesson()) == set(CATALOGUE)
    assert [each.gan for each in choose_translated([])] == without_lesson()
    assert set(without_lesson()).isdisjoint(LESSONS), "a page would take a lesson's place"


@needs_a_framework
def test_what_is_shown_is_what_translate_writes_today_and_was_proved(translated_pages):
    (page,) = translated_pages
    assert list(page.programs) == DIALECTS_SHOWN
    assert_agreement(list(page.programs.values()))
    for name, program in page.programs.items():
        assert same_code(program.text, write_program(find_gan(page.gan), DIALECTS[name]))
        assert (program.found["gan"], program.found["to"], program.found["steps"]) == (page.gan, name, 2)
        assert re.search(rf"Proved with {TITLES[name]} \S+, .* fed the same 2 steps of 8 samples", program.judgement)


@needs_a_framework
def test_a_page_has_each_section_in_tabs_and_the_judgement_below(site, translated_pages):
    (page,) = translated_pages
    text = (site / page.gan / "index.html").read_text(encoding="utf-8")
    titles = [*SECTIONS, "The same in every one", "Take it with you"]
    assert re.findall(r"<h2>([^<]+)<", text) == titles
    assert re.findall(r'<label [^>]*data-sync-id="(\w+)"', text) == DIALECTS_SHOWN * len(SECTIONS)
    prose = html.unescape(re.sub(r"\s+", " ", text)).replace("\u2019", "'")
    for name, program in page.programs.items():
        assert f"<p>{program.judgement}</p>" in prose
        assert list((site / "_downloads").rglob(f"in_{name}.py"))
        assert f"{page.gan}-{name}.ipynb" in text
    index = (site / "index.html").read_text(encoding="utf-8")
    assert f'href="{page.gan}/index.html"' in index
    assert "contents-of-translations" not in index


@needs_a_framework
def test_what_is_fresh_is_not_proved_again_and_what_is_written_otherwise_is(translated, monkeypatch):
    first, _ = translated()
    assert translated() == (first, [])
    before = {name: translation_fingerprint(TRANSLATED, name) for name in DIALECTS}
    title = DIALECTS["torch"].TITLE
    monkeypatch.setattr(
        translations,
        "write_program",
        lambda spec, dialect: write_program(spec, dialect) + ("pass\n" if title == dialect.TITLE else ""),
    )
    after = {name: translation_fingerprint(TRANSLATED, name) for name in DIALECTS}
    assert [name for name in DIALECTS if before[name] != after[name]] == ["torch"]
    assert translation_fingerprint(replace(TRANSLATED, steps=3), "jax") != after["jax"]


def program_of(**found):
    facts = {"gan": "wgan", "to": "torch", "verdict": "AGREE", "reason": "no further apart", "pretraining_steps": 3}
    facts |= {"steps": 5, "batch_size": 4, "largest_loss_difference": 2e-12, "largest_state_difference": None}
    return TranslatedProgram(text='"""Head."""\n', found=facts | {"tensors": 7, "versions": {"PyTorch": "2"}} | found)


def test_a_program_that_does_not_agree_makes_no_site():
    with pytest.raises(LessonDrift, match="wgan in Keras: DISAGREE, generator's loss at step 3"):
        assert_agreement(
            [program_of(), program_of(to="keras", verdict="DISAGREE", reason="generator's loss at step 3")]
        )


def test_a_table_says_what_was_found_of_each():
    programs = {"torch": program_of(), "keras": program_of(to="keras", largest_state_difference=1e-9)}
    *_, first, second = judgement_table(TranslatedPage(gan="wgan", programs=programs)).splitlines()
    assert first == "| PyTorch | AGREE | 3 + 5 | 4 | 2e-12 | not judged | PyTorch 2 |"
    assert second == "| Keras | AGREE | 3 + 5 | 4 | 2e-12 | 1e-09, 7 | PyTorch 2 |"


def test_every_program_of_a_page_has_the_same_sections():
    for name, dialect in zip(without_lesson(), itertools.cycle(DIALECTS.values()), strict=False):
        sections = program_sections(write_program(find_gan(name), dialect))
        assert list(sections) == SECTIONS
        assert all(text.count("```") == 2 for text in sections.values())
    texts = {name: write_program(find_gan("wgan"), dialect) for name, dialect in DIALECTS.items()}
    page = TranslatedPage(
        gan="wgan",
        programs={name: TranslatedProgram(text=text, found=program_of().found) for name, text in texts.items()},
    )
    assert translated_page(page).count(":::::{tab-item}") == len(DIALECTS) * len(SECTIONS)


@pytest.mark.parametrize(("name", "message"), [("sine", "sine has a lesson by hand"), ("wgam", "did you mean 'wgan'")])
def test_a_gan_that_has_no_such_page_is_refused(name, message):
    with pytest.raises(UsageError, match=message):
        choose_translated([name])
