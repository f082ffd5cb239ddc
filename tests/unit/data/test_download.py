"""Downloads, from mirrors on this machine."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gan_rosetta.shared.data import digits, download
from gan_rosetta.shared.data.download import MIRRORS, SHA256, fetch
from gan_rosetta.shared.errors import DataError


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.requested.append(self.path)
        _, mirror, name = self.path.split("/")
        content = self.server.contents.get(name)
        if mirror == "missing" or content is None:
            self.send_error(404)
            return
        if mirror == "wrong":
            content = content[:-1] + bytes([content[-1] ^ 1])
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if mirror == "truncated" else content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(idx_contents) -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.contents = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in idx_contents.items()}
        running.requested = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def sha256(server) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in server.contents.items()}


def address(server, mirror: str) -> str:
    return f"http://127.0.0.1:{server.server_port}/{mirror}/"


def dead_address() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


def test_fetches_checks_and_keeps(server, sha256, tmp_path):
    for _ in range(2):
        folder = fetch(mirrors=[address(server, "good")], sha256=sha256, cache=tmp_path / "cache")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == server.contents
    assert len(server.requested) == 4  # The second call found all four in the cache.


@pytest.mark.parametrize("mirror", ["missing", "wrong", "truncated", "dead"])
def test_a_bad_mirror_is_passed_over(server, sha256, tmp_path, mirror):
    first = dead_address() if mirror == "dead" else address(server, mirror)
    folder = fetch(mirrors=[first, address(server, "good")], sha256=sha256, cache=tmp_path)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == server.contents
    asked_first = [path for path in server.requested if f"/{mirror}/" in path]
    assert len(asked_first) == (0 if mirror == "dead" else 4)


def test_a_damaged_file_in_the_cache_is_fetched_again(server, sha256, tmp_path):
    folder = fetch(mirrors=[address(server, "good")], sha256=sha256, cache=tmp_path)
    name = "t10k-images-idx3-ubyte.gz"
    (folder / name).write_bytes(b"damaged")
    fetch(mirrors=[address(server, "good")], sha256=sha256, cache=tmp_path)
    assert (folder / name).read_bytes() == server.contents[name]
    assert len(server.requested) == 5


def test_when_all_mirrors_fail_each_is_named_with_why(server, sha256, tmp_path):
    mirrors = [dead_address(), *(address(server, mirror) for mirror in ("missing", "wrong", "truncated"))]
    with pytest.raises(DataError) as caught:
        fetch(mirrors=mirrors, sha256=sha256, cache=tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert all(mirror in message for mirror in mirrors)
    assert "train-images-idx3-ubyte.gz" in message
    assert all(words in message for words in ("refused", "404", "another SHA-256", "IncompleteRead"))
    assert list(tmp_path.iterdir()) == []


def test_a_source_reads_what_was_downloaded(server, sha256, tmp_path, monkeypatch, idx_contents):
    monkeypatch.setattr(download, "MIRRORS", (address(server, "good"),))
    monkeypatch.setattr(download, "SHA256", sha256)
    monkeypatch.setattr(download.pooch, "os_cache", lambda project: tmp_path / project)
    digits._load.cache_clear()
    try:
        images = digits.DigitSource.parse("download").load()
    finally:
        digits._load.cache_clear()
    assert images.tobytes() == idx_contents["train-images-idx3-ubyte"][16:]
    assert (tmp_path / "gan-rosetta").is_dir()


def test_progress_is_shown_on_a_terminal_only(server, sha256, tmp_path, monkeypatch, capsys):
    fetch(mirrors=[address(server, "good")], sha256=sha256, cache=tmp_path / "quiet")
    quiet = capsys.readouterr()
    assert quiet == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    fetch(mirrors=[address(server, "good")], sha256=sha256, cache=tmp_path / "shown")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "train-images-idx3-ubyte.gz" in shown.err


def test_the_public_mirrors_and_digests_are_whole():
    assert len(MIRRORS) == 3
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in MIRRORS)
    assert all(len(digest) == 64 and int(digest, 16) for digest in SHA256.values())
    assert set(SHA256) == {f"{name}.gz" for name in digits.idx.FILE_NAMES}
    assert Path(next(iter(SHA256))).suffix == ".gz"
