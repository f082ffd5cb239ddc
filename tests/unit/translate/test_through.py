"""Networks that torch has trained go through to a program, which trains on to the losses that torch would have had."""

from __future__ import annotations

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.data.tape_file import write_tape
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.reading import read
from tests.unit.translate.proving import SEED, prove_here, run_here

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional
STEPS = 3


def trained(generator, discriminator, optimizers, tape):
    """Train by hand as linear-2d is trained, on all of a tape; return D's losses and G's."""
    found = []
    for real, noise in zip(*(map(torch.tensor, tape[name]) for name in ("real", "latent_d")), strict=True):
        ones, zeros = torch.ones(len(real), dtype=torch.long), torch.zeros(len(real), dtype=torch.long)
        fake = generator(noise)
        loss_d = functional.cross_entropy(discriminator(real), ones)
        loss_d = loss_d + functional.cross_entropy(discriminator(fake.detach()), zeros)
        optimizers[1].zero_grad()
        loss_d.backward()
        optimizers[1].step()
        loss_g = functional.cross_entropy(discriminator(fake), ones)
        optimizers[0].zero_grad()
        loss_g.backward()
        optimizers[0].step()
        found.append((loss_d.item(), loss_g.item()))
    return np.array(found).T


@pytest.mark.parametrize("to", ["torch", "jax"])
def test_a_program_goes_on_to_the_losses_that_torch_would_have_had(tmp_path, to):
    pytest.importorskip(to)
    torch.manual_seed(SEED)
    discriminator = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    generator = nn.Linear(2, 2).double()
    kinds = (torch.optim.Adam, torch.optim.RMSprop)
    optimizers = [kind(n.parameters(), lr=0.02) for kind, n in zip(kinds, (generator, discriminator), strict=True)]
    given = {"generator": nn.Sequential(generator), "discriminator": discriminator, "like": "linear-2d"}
    moved_by = dict(zip(("generator_optimizer", "discriminator_optimizer"), optimizers, strict=True))
    tapes = []
    for name, seed in (("first", 1), ("then", 2)):
        spec = gr.spec("linear-2d").with_steps(training=STEPS)
        tape = SeededTape(spec, seed=seed, digits=DigitSource.parse(None))
        write_tape(tmp_path / f"{name}.npz", tape, spec, pretraining_steps=0, training_steps=STEPS)
        tapes.append(read_npz(tmp_path / f"{name}.npz"))
    trained(generator, discriminator, optimizers, tapes[0])
    reading = read(**given, **moved_by)
    assert reading.notes == ()
    expected = trained(generator, discriminator, optimizers, tapes[1])
    write_state(tmp_path / "state.safetensors", reading.state, metadata={"gan": reading.spec.name})
    (tmp_path / "program.py").write_text(write_program(reading.spec, DIALECTS[to]), encoding="utf-8")
    run_here(tmp_path, ["--tape", "then.npz", "--state", "state.safetensors", "--dtype", "float64"])
    losses = read_npz(tmp_path / "trained" / "losses.npz")
    found = np.array([losses["discriminator"], losses["generator"]])
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def points():
    generator = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2, bias=False))
    return generator, nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))


def live_networks(names, to):
    """The networks that a program has left; those of flax it keeps apart from their variables."""
    if to != "flax":
        return {network: names[network] for network in ("generator", "discriminator")}
    players = {"generator": (names["graph_g"], names["g"]), "discriminator": (names["graph_d"], names["d"])}
    return {network: names["filled"](graph, {**own.parameters}) for network, (graph, own) in players.items()}


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")  # mx.nd.array asks SciPy for an old name
def test_from_torch_to_flax_to_gluon_and_back_nothing_is_lost(tmp_path):
    pytest.importorskip("flax")
    pytest.importorskip("gan_rosetta.backends.mxnet.framework")
    generator, discriminator = points()
    readings = [read(generator=generator, discriminator=discriminator, like="linear-2d")]
    for to in ("flax", "mxnet", "torch"):
        folder = tmp_path / to
        folder.mkdir()
        (folder / "program.py").write_text(write_program(readings[-1].spec, DIALECTS[to]), encoding="utf-8")
        write_state(folder / "state.safetensors", readings[-1].state, metadata={"gan": "read"})
        options = ["--steps", "0", "--state", "state.safetensors", "--dtype", "float64", "--out", "left"]
        readings.append(read(**live_networks(run_here(folder, options), to), like=readings[0].spec))
    first, last = readings[0], readings[-1]
    assert last.spec.networks() == first.spec.networks()
    assert last.spec.training == first.spec.training
    for name, array in first.state.items():
        assert last.state[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("resume(optimizer_g, generator", "# resume(optimizer_g, generator"),
        ("torch.tensor(float(count))", "torch.tensor(0.0)"),
    ],
)
def test_a_program_that_forgets_what_an_optimizer_has_kept_is_named(monkeypatch, right, wrong):
    def forgetting(text):
        assert right in text
        return text.replace(right, wrong)

    proof = prove_here(monkeypatch, gr.spec("linear-2d"), "torch", steps=2, begun=True, change=forgetting)
    assert proof.verdict == "DISAGREE"
