"""What there is: GANs and backends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.spec import GanSpec, toml_file
from gan_rosetta.shared.workers.registry import installed_version
from gan_rosetta.wording import speaks_python


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A framework that GANs can be trained on. version: None where it is not installed; install_hint says how."""

    name: str
    title: str
    version: str | None
    executions: tuple[str, ...]
    install_hint: str


def gans() -> dict[str, GanSpec]:
    """Return the GANs of the catalogue by name.

    >>> "linear-2d" in gans()
    True
    """
    return dict(CATALOGUE)


@speaks_python
def spec(name: str, /) -> GanSpec:
    """Return the description of a GAN of the catalogue; `dataclasses.replace` makes another one of it.

    Raises UsageError, with the nearest name, where there is none.

    >>> from dataclasses import replace
    >>> replace(spec("sine"), name="mine", batch_size=32).batch_size
    32
    """
    return find_gan(name)


@speaks_python
def read_spec(path: str | Path, /) -> GanSpec:
    """Return the GAN that a TOML file describes; raises SpecError with the file's name and the line's number."""
    return toml_file.read_spec(Path(path), reserved=CATALOGUE)


def list_backends() -> dict[str, Backend]:
    """Return the backends by name, those that are not installed too. Imports no framework."""
    return {
        name: Backend(
            name=name,
            title=entry.title,
            version=installed_version(entry),
            executions=entry.executions,
            install_hint=entry.install_hint,
        )
        for name, entry in BACKENDS.items()
    }
