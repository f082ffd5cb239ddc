"""What our own test sessions have and others do not: room for the calls of frameworks that compile."""

from __future__ import annotations

import pytest

from gan_rosetta.shared.workers.process import call_with_room

_HAS_ROOM = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> object:
    """Have the loop run as a worker's does, with room for its calls."""
    if session.config.stash.get(_HAS_ROOM, False):
        return None
    session.config.stash[_HAS_ROOM] = True
    return call_with_room(lambda: session.config.hook.pytest_runtestloop(session=session))
