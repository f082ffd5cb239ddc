"""Programs' networks read by command, in a process of their own, and how what is read is named."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as load_tensors

from gan_rosetta.shared.commands.read import _name_of
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.spec.toml_file import read_spec
from gan_rosetta.shared.state.archive import read_state
from gan_rosetta.shared.translate import read_file
from gan_rosetta.shared.translate.reading import require_new

torch = pytest.importorskip("torch")


PROGRAM = """
import torch
from torch import nn

print("made")
torch.manual_seed(1)
D = nn.Sequential(nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 1), nn.Sigmoid()).double()
G = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 16)).double()


def make_judge():
    return nn.Sequential(nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 1), nn.Sigmoid())


optimizer = torch.optim.Adam(G.parameters(), lr=0.01)
G(torch.zeros(2, 5, dtype=torch.float64)).sum().backward()
optimizer.step()
own = torch.optim.SGD(D.parameters(), lr=0.01)
other = torch.optim.SGD(G.parameters(), lr=0.01)
if __name__ == "__main__":
    raise SystemExit("it would train")
"""


def run(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    command = [sys.executable, "-m", "gan_rosetta", *words]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


def test_a_program_s_networks_are_read_in_a_process_of_their_own(tmp_path):
    done = run(tmp_path, "read", "program.py:G,make_judge", "--like", "sine", "--out", "my_gan.toml")
    assert (done.returncode, done.stdout) == (0, "Written: my_gan.toml, my_gan.safetensors\n"), done.stderr
    assert "my-gan: a generator of 3 layers and a discriminator of 4 layers" in done.stderr
    spec = read_spec(tmp_path / "my_gan.toml")
    assert read_state(tmp_path / "my_gan.safetensors", spec)["generator.linear1.weight"].shape == (4, 5)
    words = ["--like", "sine", "--out", "b.toml", "--optimizers", "optimizer,other"]
    refused = run(tmp_path, "read", "program.py:G,make_judge", *words)
    assert refused.returncode == 2
    assert "program.py: discriminator_optimizer moves 0 of its network's 4 parameters, and 4 others" in refused.stderr
    assert not (tmp_path / "b.toml").exists()


def test_networks_go_through_to_a_program_with_their_weights(tmp_path):
    words = ["--like", "sine", "--to", "torch", "--out", "mine.py", "--steps", "3", "--optimizers", "optimizer,own"]
    done = run(tmp_path, "translate", "program.py:G,D", *words)
    assert done.returncode == 0, done.stderr
    assert "mine to torch: AGREE" in done.stderr
    assert "note:" not in done.stderr
    content = (tmp_path / "mine.safetensors").read_bytes()
    state = load_tensors(content)
    assert int(state["optimizer.generator.step"]) == 1
    assert state["optimizer.generator.linear1.bias.v"].max() > 0
    assert "optimizer_d = torch.optim.SGD(discriminator.parameters(), lr=0.01)" in (tmp_path / "mine.py").read_text()
    assert done.stdout.startswith("Written: mine.safetensors, for its --state\nWritten: mine.py, ")
    # What the program begins with, and says of its first batch, is what the networks that were read say of it.
    command = ["mine.py", "--state", "mine.safetensors", "--steps", "1", "--dtype", "float64", "--seed", "4"]
    subprocess.run([sys.executable, "-I", *command], cwd=tmp_path, capture_output=True, check=True)
    made = runpy.run_path(str(tmp_path / "program.py"))
    noise = np.random.default_rng(4).normal(size=(64, 5))
    with torch.no_grad():
        of_fake = made["D"](made["G"](torch.tensor(noise)))
    loss = np.load(tmp_path / "trained" / "losses.npz")["generator"]
    assert loss == pytest.approx([float(torch.log(1 - of_fake).mean())], rel=1e-12)


def test_a_gan_is_named_after_its_file():
    names = {"My Gan!.toml": "my-gan", "sine.toml": "sine-read", "_.toml": "read", "a_b2.toml": "a-b2"}
    assert {out: _name_of(Path(out)) for out in names} == names


def test_a_place_is_two_names_in_a_file(tmp_path):
    file = tmp_path / "program.py"
    file.touch()
    assert read_file.parse_place(f"{file}:G, nets.D", None).names == {"generator": "G", "discriminator": "nets.D"}
    assert read_file.parse_place(f"{file}:G,D", None, "nets.ema").names["generator_average"] == "nets.ema"
    for text, message in (
        (str(file), "expected FILE.py:"),
        (f"{file}:G", "expected FILE.py:"),
        ("no.py:G,D", "no file"),
    ):
        with pytest.raises(UsageError, match=message):
            read_file.parse_place(text, None)
    with pytest.raises(UsageError, match="there is no 'H' in it; it has G"):
        read_file._find({"G": 1, "_x": 2}, "H")
    (tmp_path / "a.safetensors").touch()
    for out, message in (("a.toml", "a.safetensors already exists"), ("a.txt", "expected a spec's name")):
        with pytest.raises(UsageError, match=message):
            require_new(tmp_path / out)
