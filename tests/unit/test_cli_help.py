"""Every command's help ends with an example of it, and every example can be read."""

from __future__ import annotations

import shlex

import pytest
import typer
from typer.testing import CliRunner

from gan_rosetta.shared.commands.examples import EXAMPLES
from gan_rosetta.shared.commands.main import app


def names(command, before=()):
    """The words of every command there is."""
    for name, own in getattr(command, "commands", {}).items():
        yield " ".join((*before, name))
        yield from names(own, (*before, name))


COMMANDS = list(names(typer.main.get_command(app)))


def helped(*words):
    finished = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80", "TERM": "dumb"})
    assert finished.exit_code == 0
    return " ".join(finished.output.replace("│", " ").split())


def test_there_is_an_example_of_each():
    assert set(EXAMPLES) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_an_example_that_can_be_read(command):
    line = EXAMPLES[command]
    assert helped(*command.split()).endswith(f"Example: {line}")
    program, *words = shlex.split(line.partition(" > ")[0])
    assert (program, words[: len(command.split())]) == ("gan-rosetta", command.split())
    # Reading stops before anything is done.
    found = typer.main.get_command(app)
    for word in command.split():
        found = found.commands[word]
    found.make_context(command, words[len(command.split()) :])


def test_commands_and_options_stand_in_groups():
    for group in ("Train and compare", "Find what is wrong", "Measure", "Look up"):
        assert group in helped()
    for group in ("What is trained", "What it runs on, and how", "What is kept", "What is said and shown"):
        assert group in helped("compare")
