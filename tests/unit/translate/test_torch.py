"""Programs in PyTorch: right ones are proved, wrong ones named, and drawn data and first values are the spec's."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.stats import norm

import gan_rosetta as gr
from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import initial_state, state_schema
from gan_rosetta.shared.translate.in_torch.model import RESERVED
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from tests.unit.translate.odd_gans import ODD_GANS
from tests.unit.translate.proving import (
    SEED,
    prove_here,
    require_all_that_the_backend_has,
    require_drawn_to_agree,
    run_here,
)

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["linear-2d", "sine", "gaussian-1d-adam-minibatch", "sngan"])
def test_a_gan_of_the_catalogue_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, small_gan(name), "torch", steps=12)
    assert (proof.verdict, proof.place) == ("AGREE", ""), proof.reason
    assert proof.adversarial == 12
    assert proof.state is not None
    assert proof.num_tensors > 20


def test_the_dialect_lacks_nothing_that_the_backend_has():
    require_all_that_the_backend_has("torch")


def test_gans_drawn_at_random_are_proved(monkeypatch):
    require_drawn_to_agree(monkeypatch, "torch", count=4, seed=11)


@pytest.mark.parametrize("name", ODD_GANS)
def test_every_form_is_proved(monkeypatch, name):
    proof = prove_here(monkeypatch, ODD_GANS[name], "torch", steps=4, begun=name != "joined-gradients")
    assert proof.verdict == "AGREE", proof.reason


@pytest.mark.parametrize(
    ("name", "right", "wrong", "place"),
    [
        ("linear-2d", "lr=0.05", "lr=0.051", "generator's loss at step 0"),
        ("linear-2d", "    optimizer_d.zero_grad()\n", "", "loss at step 1"),
        ("sine", "torch.log(1 - of_fake).mean()", "-torch.log(of_fake).mean()", "generator's loss at step 0"),
        # What no loss shows within these steps, the state does.
        ("linear-2d", "betas=(0.9, 0.999)", "betas=(0.9, 0.998)", ".v at the end"),
        ("sine", "<= 1e-6", "<= 1.0", "the program had 1 steps of discriminator"),
    ],
)
def test_a_program_with_a_mistake_is_named(monkeypatch, name, right, wrong, place):
    assert right in write_program(gr.spec(name), DIALECTS["torch"])
    proof = prove_here(
        monkeypatch,
        small_gan(name),
        "torch",
        steps=1 if "end" in place else 3,
        change=lambda text: text.replace(right, wrong),
    )
    assert proof.verdict == "DISAGREE"
    assert place in proof.place


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("u = u / torch.sqrt(u @ u + 0.01)", "u = u / torch.sqrt(u @ u + 0.02)", "loss at step 0"),
        ("(matrix.detach() @ v)", "(matrix @ v)", "discriminator's loss at step 1"),
        ("            self.weight_v.copy_(v)\n", "", "loss at step 0"),
        ("            schedule.step()\n", "            break\n", "at step 3"),
        ("torch.relu(1 + of_real)", "(1 + of_real)", "discriminator's loss"),
        ('int(batch["step_in_epoch"]) % 2 == 1', "step % 3 == 1", "step 3"),
    ],
)
def test_a_mistake_in_what_spectral_gans_have_is_named(monkeypatch, right, wrong, place):
    spec = ODD_GANS["odd-spectra"]
    assert right in write_program(spec, DIALECTS["torch"])
    proof = prove_here(monkeypatch, spec, "torch", steps=4, change=lambda text: text.replace(right, wrong))
    assert proof.verdict == "DISAGREE"
    assert place in proof.place


def test_what_no_forward_pass_reads_is_proved_too(monkeypatch):
    proof = prove_here(
        monkeypatch,
        ODD_GANS["odd-norms"],
        "torch",
        steps=1,
        # How the running variance of the one that normalises by the batch is taken.
        change=lambda text: text.replace("correction=0, by_running=False", "correction=1, by_running=False"),
    )
    assert proof.verdict == "DISAGREE"
    assert "generator.norm2.running_var at the end" in proof.place


def test_no_layer_s_name_is_one_of_a_module_s():
    names = {name for name in dir(torch.nn.Module()) if re.fullmatch("[a-z][a-z0-9]*", name)}
    assert names <= RESERVED


def names_of(spec: GanSpec, tmp_path, *arguments: str) -> dict[str, object]:
    (tmp_path / "program.py").write_text(write_program(spec, DIALECTS["torch"]), encoding="utf-8")
    return run_here(tmp_path, ["--steps", "2", *arguments])


@pytest.mark.parametrize("name", ["gaussian-1d", "joined-gradients", "odd-norms", "odd-spectra", "linear-2d"])
def test_first_values_are_drawn_as_the_spec_says(tmp_path, name):
    spec = ODD_GANS.get(name) or gr.spec(name)
    text = write_program(spec, DIALECTS["torch"])
    # As far as the networks are made.
    (tmp_path / "program.py").write_text(text[: text.index("# Losses")], encoding="utf-8")
    wanted = initial_state(spec, seed=SEED)
    found: dict[str, list[np.ndarray]] = {}
    for seed in range(8):
        made = run_here(tmp_path, ["--seed", str(seed), "--dtype", "float64"])
        for network in ("generator", "discriminator"):
            for own, tensor in made[network].state_dict().items():
                found.setdefault(f"{network}.{own}", []).append(tensor.numpy().copy())
    for own, tensor in state_schema(spec).items():
        if tensor.role not in ("parameter", "buffer"):
            continue
        drawn, expected = np.array(found[own]), wanted[own]
        if np.ptp(expected) == 0 and expected.size > 1:
            assert np.all(drawn == expected), own
        elif drawn.size >= 64:
            spread = np.std(drawn)
            assert abs(np.mean(drawn) - np.mean(expected)) < 0.7 * spread, own
            assert np.abs(drawn).max() < 2.5 * np.abs(expected).max() + 3 * spread, own
            few = 6 / np.sqrt(min(drawn.size, expected.size))
            assert abs(np.log(spread / np.std(expected))) < max(few, 0.2), own


def test_data_is_drawn_where_there_is_no_tape(tmp_path):
    made = names_of(gr.spec("gaussian-1d"), tmp_path, "--pretraining-steps", "3")
    assert len(made["losses"]["pretraining"]) == 3
    assert len(made["losses"]["generator"]) == 2
    left = tmp_path / "trained"
    assert {path.name for path in left.iterdir()} == {"checkpoint.pt", "losses.npz", "samples.npz", "samples.png"}
    assert np.load(left / "samples.npz")["generated"].shape == (64, 1)
    batches = made["draw_batches"](1)
    real = np.concatenate([next(batches)["real"] for _ in range(400)])
    assert abs(real.mean() - 4.0) < 0.05
    assert abs(real.std() - 0.5) < 0.05
    batch = next(made["draw_pretraining"](1))
    places = batch["pretrain_input"]
    assert -5 <= places.min() < places.max() <= 5
    assert np.allclose(batch["pretrain_target"], norm.pdf(places, 4.0, 0.5))
