"""Collects what was said of each mistake, for the page that `--mistakes-page` writes (mistakes.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gan_rosetta.shared.cases.judgement import Judgement
from tests.unit.cases.mistakes import MISTAKES, Account, write_page

# Made when it is first needed: where all tests run, this file is read after the session has started.
_ACCOUNTS = pytest.StashKey[list[Account]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--mistakes-page", type=Path, default=None, help="write what was said of mistakes to this file")


@pytest.fixture
def keras_in_double() -> Iterator[None]:
    """Have Keras make layers in float64 as long as a test takes."""
    keras = pytest.importorskip("keras")
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    # Keras keeps the policy that the first layer of the process was built by, whatever its floatx has become since.
    keras.config.set_dtype_policy("float64")
    # Where another test of the process asked TensorFlow for determinism, initial values need a seed.
    keras.utils.set_random_seed(0)
    yield
    keras.config.set_floatx(before[0])
    keras.config.set_dtype_policy(before[1])


@pytest.fixture
def account(request: pytest.FixtureRequest) -> Callable[[str, Judgement], None]:
    """Return a function that keeps what was said of a mistake, by its name among its framework's."""
    framework = request.module.__name__.rpartition("test_")[2].partition("_")[0]

    def keep(mistake: str, judgement: Judgement) -> None:
        assert mistake in MISTAKES[framework], "each mistake has its words in mistakes.py"
        kept = Account(framework=framework, mistake=mistake, judgement=judgement)
        request.config.stash.setdefault(_ACCOUNTS, []).append(kept)

    return keep


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    target = config.getoption("--mistakes-page", default=None)
    if target is None:
        return
    accounts = config.stash.get(_ACCOUNTS, [])
    lacking = sum(map(len, MISTAKES.values())) - len(accounts)
    if exitstatus != 0 or lacking:
        reason = f"{lacking} mistakes were not tried" if lacking else "not every mistake was judged as it should be"
        terminalreporter.write_line(f"{target} is left alone: {reason}")
        return
    write_page(accounts, target)
    terminalreporter.write_line(f"{target}: {len(accounts)} mistakes")
