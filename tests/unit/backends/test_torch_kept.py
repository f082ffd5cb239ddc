"""What torch compiled for a GAN and was damaged since costs a compilation, and no run."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest
import torch
from torch._inductor.runtime.cache_dir_utils import default_cache_dir
from torch.fx.experimental.proxy_tensor import make_fx

from gan_rosetta.backends.torch.kept import KeptPrograms
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.storage import compiled
from gan_rosetta.shared.storage.compiled import take_notes

# Importing inductor brings torch.utils.mkldnn, which is written with torch's own deprecated decorator.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
INPUT = torch.arange(6.0).reshape(2, 3)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(compiled.platformdirs, "user_cache_path", lambda name: tmp_path / name)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", default_cache_dir())
    take_notes()
    return tmp_path / "gan-rosetta" / "torch" / str(torch.__version__)


def compute() -> torch.Tensor:
    """Compile a program as a new process would, and run it."""
    torch.compiler.reset()
    importlib.import_module("torch._inductor.utils").clear_caches()

    def compile_now():
        graph = make_fx(lambda x: torch.tanh(x) * 3 + x, tracing_mode="fake")(INPUT)
        return torch._inductor.compile(graph, [INPUT], options={"cpp_wrapper": True})

    return KeptPrograms(find_gan("sine")).compile(compile_now)(INPUT)


def programs(kept: Path, ending: str) -> list[Path]:
    found = [path for path in kept.rglob(f"*{ending}") if "instructions" not in path.parts]
    assert found, f"torch left no {ending}"
    return found


def spoil(path: Path, content: bytes) -> None:
    # Another file in its place: this process has the old one's pages in its memory.
    path.unlink()
    path.write_bytes(content)


def test_damage_is_found_before_it_is_run_or_when_it_fails_to_load(kept: Path) -> None:
    expected = torch.tanh(INPUT) * 3 + INPUT
    torch.testing.assert_close(compute(), expected)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == default_cache_dir()
    assert take_notes() == []
    # Sealed: each is found by its SHA-256.
    for path in programs(kept, ".so"):
        spoil(path, b"")
    torch.testing.assert_close(compute(), expected)
    (note,) = take_notes()
    assert "what torch had compiled before was damaged" in note
    # Not sealed yet, as of a process that was killed: found as it fails.
    for path in programs(kept, ".json"):
        path.unlink()
    for path in programs(kept, ".py"):
        spoil(path, b"def call(:\n")
    torch.testing.assert_close(compute(), expected)
    (note,) = take_notes()
    assert "SyntaxError" in note or "Failed to import" in note
    torch.testing.assert_close(compute(), expected)
    assert take_notes() == []


def test_a_mistake_of_the_program_is_not_taken_for_damage() -> None:
    def fail() -> torch.Tensor:
        raise ZeroDivisionError

    kept = KeptPrograms(find_gan("linear-2d"))
    with pytest.raises(ZeroDivisionError):
        kept.compile(fail)
    assert take_notes() == []


def test_a_folder_that_the_user_names_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "mine"))
    used = KeptPrograms(find_gan("linear-2d")).compile(lambda: os.environ["TORCHINDUCTOR_CACHE_DIR"])
    assert used == str(tmp_path / "mine")
