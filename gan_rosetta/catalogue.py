"""What there is: GANs and backends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gan_rosetta.asking import pythons_of
from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.errors import BackendUnavailable
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.spec import GanSpec, toml_file
from gan_rosetta.shared.workers.inspect import first_word
from gan_rosetta.shared.workers.protocol import Ready
from gan_rosetta.shared.workers.registry import find_backend, installed_version, require_installed
from gan_rosetta.wording import speaks_python


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A framework that GANs can be trained on. version: None where it is not installed; install_hint says how."""

    name: str
    title: str
    version: str | None
    executions: tuple[str, ...]
    install_hint: str

    @speaks_python
    def devices(self, *, python: str | Path | None = None) -> tuple[str, ...]:
        """Return the devices that the framework sees here, which it is started for: "cpu", and perhaps "cuda".

        python: of an environment of its own. Raises BackendUnavailable where it is not installed or does not start.
        """
        chosen = pythons_of(None if python is None else {self.name: python}).get(self.name)
        entry = find_backend(self.name)
        require_installed(entry, chosen)
        said = first_word(entry, chosen)
        if isinstance(said, Ready):
            return said.devices
        raise BackendUnavailable(f"backend {self.name!r}: {said}")


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


@speaks_python
def write_spec(path: str | Path, spec: GanSpec, /) -> None:
    """Write a GAN's description to a TOML file, to be changed and read again, or given to the command."""
    toml_file.write_spec(Path(path), spec)


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
