"""Where inductor keeps what it compiles for a GAN: a folder of ours, whose damage costs a compilation and no run.

Inductor takes seconds to import, and is so where it compiles.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import torch

from gan_rosetta.shared.errors import in_a_line
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.storage.compiled import CompiledFolder

_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"
_HEADERS = "_HEADER_DIR"
_DIGEST_LENGTH = 24

_Compiled = TypeVar("_Compiled")


class KeptPrograms:
    """What inductor compiled for a GAN, here or in an earlier process; $TORCHINDUCTOR_CACHE_DIR names another place."""

    def __init__(self, spec: GanSpec, /) -> None:
        # A folder a GAN, so that what is checked before a run is what it may use.
        self._folder = _folder(spec_digest(spec)[:_DIGEST_LENGTH])

    def compile(self, compile_now: Callable[[], _Compiled], /) -> _Compiled:
        """Have inductor compile, or find what it compiled before; where that is damaged, compile anew."""
        if _current() != _default():
            return compile_now()
        _try_instructions()
        self._folder.check()
        was_empty = self._folder.is_empty
        try:
            with _used(self._folder):
                compiled = compile_now()
        except Exception as error:
            if was_empty:
                raise
            said = in_a_line(error)
            compiled = self._compile_anew(compile_now, said)
        self._folder.seal()
        return compiled

    def _compile_anew(self, compile_now: Callable[[], _Compiled], why: str) -> _Compiled:
        """Compile with nothing that was kept, neither here nor in the process's memory, nor among headers."""
        from torch._inductor import codecache  # noqa: PLC0415
        from torch._inductor.utils import clear_caches  # noqa: PLC0415

        self._folder.remove(why)
        clear_caches()
        headers = getattr(codecache, _HEADERS, None)
        if headers is not None:
            setattr(codecache, _HEADERS, str(self._folder.path / "headers"))
        try:
            with _used(self._folder):
                return compile_now()
        finally:
            if headers is not None:
                setattr(codecache, _HEADERS, headers)


@cache
def _try_instructions() -> None:
    """Have inductor find out, by programs that it compiles, which instructions there are: once, not for each GAN.

    It takes a program that is damaged for an instruction that is missing, and then computes with other ones.
    """
    from torch._inductor import cpu_vec_isa  # noqa: PLC0415

    folder = _folder("instructions")
    folder.check()
    with _used(folder):
        cpu_vec_isa.valid_vec_isa_list()
    folder.seal()


def _folder(name: str) -> CompiledFolder:
    return CompiledFolder("torch", str(torch.__version__), name, what="torch")


@contextmanager
def _used(folder: CompiledFolder) -> Iterator[None]:
    before = _current()
    os.environ[_VARIABLE] = str(folder.path)
    try:
        yield
    finally:
        os.environ[_VARIABLE] = before


def _current() -> str:
    return os.environ.get(_VARIABLE, _default())


def _default() -> str:
    """Return torch's own folder, which is for the user's programs; torch sets the variable to it by itself."""
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir  # noqa: PLC0415

    return str(default_cache_dir())
