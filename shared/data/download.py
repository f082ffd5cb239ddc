"""Fetches MNIST's four files from public mirrors into the user's cache, each checked by its SHA-256."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pooch  # type: ignore[import-untyped]
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from gan_rosetta.shared.data.idx import FILE_NAMES
from gan_rosetta.shared.errors import DataError

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://yann.lecun.com/exdb/mnist/",
)
# As torchvision's prototype datasets and many others list them.
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}

_TIMEOUT_SECONDS = 30
_MAX_REASON_CHARACTERS = 160


def fetch(
    *, mirrors: Sequence[str] | None = None, sha256: Mapping[str, str] | None = None, cache: Path | None = None
) -> Path:
    """Return a folder with the four gzipped files, downloading those that are not in the cache yet.

    mirrors: addresses ending in "/", tried in turn; sha256: file name to digest; cache: the folder; None takes the
    public mirrors, MNIST's digests and the user's cache folder. Raises DataError, naming each mirror and why, where
    no mirror gives a file with the right digest.
    """
    folder = Path(pooch.os_cache("gan-rosetta")) / "mnist" if cache is None else cache
    digests = SHA256 if sha256 is None else sha256
    for name in FILE_NAMES:
        _fetch_file(f"{name}.gz", digests[f"{name}.gz"], MIRRORS if mirrors is None else mirrors, folder)
    return folder


def _fetch_file(name: str, digest: str, mirrors: Sequence[str], folder: Path) -> None:
    pooch.get_logger().setLevel(logging.WARNING)  # It announces each download otherwise.
    reasons = []
    for mirror in mirrors:
        progress = _ProgressBar(name) if sys.stderr.isatty() else None
        downloader = pooch.HTTPDownloader(progressbar=progress or False, timeout=_TIMEOUT_SECONDS)
        try:
            pooch.retrieve(f"{mirror}{name}", known_hash=digest, fname=name, path=folder, downloader=downloader)
        except (OSError, ValueError) as error:
            reasons.append(f"{mirror} ({_reason(error)})")
        else:
            return
        finally:
            if progress is not None:
                progress.close()
    remedy = (
        f"check the network and that {folder} can be written, or put the four MNIST files in a folder and name that"
    )
    raise DataError(f"no mirror gave {name}: {'; '.join(reasons)}. Expected SHA-256 {digest}; {remedy}")


def _reason(error: Exception) -> str:
    # A wrong digest is pooch's ValueError, which runs over several lines.
    if isinstance(error, ValueError) and "hash" in str(error).lower():
        return "a file with another SHA-256"
    # requests wraps what the network said in two or three layers of its own.
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    text = " ".join(str(cause).split()) or type(cause).__name__
    return text if len(text) <= _MAX_REASON_CHARACTERS else f"{text[:_MAX_REASON_CHARACTERS]}…"


class _ProgressBar:
    """A rich progress bar with the attribute and methods that pooch's downloaders call on one."""

    def __init__(self, name: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._task = self._progress.add_task(name, total=None)

    @property
    def total(self) -> float | None:
        return self._progress.tasks[0].total

    @total.setter
    def total(self, num_bytes: float | None) -> None:
        self._progress.start()  # Only now, so that a file that is in the cache shows no bar.
        self._progress.update(self._task, total=num_bytes)

    def update(self, num_bytes: int) -> None:
        self._progress.update(self._task, advance=num_bytes)

    def reset(self) -> None:
        self._progress.reset(self._task, total=self.total)

    def close(self) -> None:
        self._progress.stop()
