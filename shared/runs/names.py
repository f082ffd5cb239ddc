"""A run's name: how a GAN is trained, as a user writes it and as everything that tells runs apart shows it.

BACKEND[@ENVIRONMENT][:word…], such as `torch`, `torch:compiled`, `jax@envs/jax-0.12:compiled:float32`. The words, in
any order, are an execution, a type, a device and `threads=N`; what is left out is the command's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from gan_rosetta.shared.errors import UsageError, unknown_name
from gan_rosetta.shared.interface import DEVICES, DTYPES, EXECUTIONS, PRODUCTS
from gan_rosetta.shared.workers.registry import find_backend

_THREADS = "threads="
# Products of few digits are a word; full ones go without.
_SHORT = PRODUCTS[1:]
# What parts the words of a run's name in the name of its folder, which not every system lets hold a colon.
_FOLDER_SEPARATOR = "+"


@dataclass(frozen=True, kw_only=True)
class RunName:
    """What tells one run of a comparison from another. None: as the command says.

    environment: the folder of an environment, its Python, or its name among the environments that are looked up.
    products: what products keep of float32 factors, where that is not all; such a run is in float32.
    """

    backend: str
    environment: str | None = None
    execution: str | None = None
    dtype: str | None = None
    products: str | None = None
    device: str | None = None
    threads: int | None = None

    @classmethod
    def parse(cls, text: str, /) -> RunName:
        """Read a name; raises UsageError for an unknown backend or word, or two words of a kind."""
        head, *words = text.strip().split(":")
        backend, at, environment = head.partition("@")
        find_backend(backend)
        if at and not environment:
            raise UsageError(f"run {text!r} names no environment after its @; expected such as jax@envs/jax-0.12")
        found: dict[str, str] = {}
        for word in words:
            kind = _kind_of(word)
            if kind is None:
                raise unknown_name("word of a run", word, (*EXECUTIONS, *DTYPES, *_SHORT, *DEVICES, f"{_THREADS}N"))
            if kind in found:
                raise UsageError(f"run {text!r} has {found[kind]!r} and {word!r}; expected one word of a kind")
            found[kind] = word
        if "products" in found and found.setdefault("dtype", "float32") != "float32":
            raise UsageError(
                f"run {text!r} has {found['products']!r} products of {found['dtype']!r}; expected float32, or no type"
            )
        threads = found.pop("threads", None)
        return cls(
            backend=backend,
            environment=environment or None,
            threads=None if threads is None else _parse_threads(threads, text),
            **found,
        )

    @property
    def environment_name(self) -> str | None:
        """Return the name of the environment's folder, which may be given by its Python."""
        if self.environment is None:
            return None
        parts = PurePath(self.environment).parts
        is_program = len(parts) > 2 and parts[-2] in ("bin", "Scripts")
        return parts[-3] if is_program else parts[-1]

    def __str__(self) -> str:
        """Return the name, with an environment by its folder's name alone."""
        head = self.backend if self.environment is None else f"{self.backend}@{self.environment_name}"
        dtype = None if self.products is not None else self.dtype
        threads = f"{_THREADS}{self.threads}" if self.threads else None
        words = [self.execution, dtype, self.products, self.device, threads]
        return ":".join([head, *(word for word in words if word is not None)])


def parse_runs(texts: Iterable[str], /) -> list[RunName]:
    """Read names of runs; raises UsageError for one that cannot be read, or two that are shown alike."""
    runs: list[RunName] = []
    for run in map(RunName.parse, texts):
        alike = next((other for other in runs if str(other) == str(run)), None)
        if alike is not None and alike != run:
            raise UsageError(
                f"{alike.environment} and {run.environment} are both shown as {run}; rename one environment's folder"
            )
        if alike is not None:
            raise UsageError(f"run {run} is there twice; leave one out, or tell them apart by a word")
        runs.append(run)
    return runs


def folder_name(run: str, /) -> str:
    """Return the name of a run's folder."""
    return run.replace(":", _FOLDER_SEPARATOR)


def _kind_of(word: str) -> str | None:
    if word.startswith(_THREADS):
        return "threads"
    kinds = {"execution": EXECUTIONS, "dtype": DTYPES, "products": _SHORT, "device": DEVICES}
    return next((kind for kind, known in kinds.items() if word in known), None)


def _parse_threads(word: str, text: str) -> int:
    number = word.removeprefix(_THREADS)
    if not number.isdecimal() or int(number) < 1:
        raise UsageError(f"run {text!r} has {word!r}; expected {_THREADS}N with N from 1")
    return int(number)
