"""Right programs in PyTorch, watched: they agree bit for bit unwatched, and odd ones are told."""

from __future__ import annotations

import numpy as np
import pytest

import gan_rosetta as gr

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from tests.unit.cases.gans import decaying  # noqa: E402
from tests.unit.cases.torch_programs import (  # noqa: E402
    PROGRAMS,
    STEPS,
    linear_2d,
    train_decaying,
    train_images,
    train_sine,
    train_spectral_2d,
    train_wgan_gp,
)


@pytest.mark.parametrize("gan", PROGRAMS)
def test_a_right_program_agrees_and_watching_changes_no_bit(gan):
    steps = 2 if gan == "mnist-wgan-gp" else 8
    case, watched = PROGRAMS[gan](steps=steps)
    judgement = case.judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert judgement.notes == ()
    assert {"output", "loss", "gradient", "parameter", "slot", "counter"} <= set(judgement.seen)
    assert judgement.watched_steps == steps
    _, unwatched = PROGRAMS[gan](steps=steps, watch=False)
    for first, second in zip(watched, unwatched, strict=True):
        for name, tensor in first.state_dict().items():
            assert torch.equal(tensor, second.state_dict()[name]), name


def test_passes_in_another_order_are_told_and_no_disagreement():
    case, _ = train_sine(swapped=True)
    judgement = case.judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert judgement.notes == (
        "step 0: the discriminator on fake in the discriminator phase before the discriminator on real in the "
        "discriminator phase",
    )


def test_convolutions_and_a_rate_that_decays_by_epoch_agree():
    for judgement in (train_images(), train_decaying(gan=decaying(), schedule="epoch")):
        assert (judgement.verdict, judgement.notes) == ("AGREE", ()), judgement.sentence
        assert {"output", "gradient", "parameter"} <= set(judgement.seen)


def test_real_and_fake_in_one_pass_agree():
    case, _ = train_wgan_gp(stacked=True)
    judgement = case.judge()
    assert judgement.verdict == "AGREE", judgement.sentence
    assert judgement.notes == ()


def test_a_network_that_is_not_the_reference_is_told_when_it_is_loaded():
    case, _ = train_wgan_gp(mistake="slope", watch=False)
    notes = case.judge().notes
    assert len(notes) == 2
    assert notes[0].startswith("with the same parameters, the generator does not give what the reference does")


def test_loading_maps_names_and_takes_a_mapping_where_it_cannot_tell():
    generator, discriminator = linear_2d()
    names = gr.case("linear-2d").load(generator=generator, discriminator=discriminator)
    assert names["discriminator.hidden2.weight"] == "2.weight"
    state = gr.case("linear-2d").initial_state
    np.testing.assert_array_equal(discriminator[2].weight.detach().numpy(), state["discriminator.hidden2.weight"])
    with pytest.raises(gr.GanRosettaError, match="nothing fits"):
        gr.case("linear-2d").load(generator=discriminator)
    with pytest.raises(gr.GanRosettaError, match=r"0\.weight of the generator is of float32, and the case of float64"):
        gr.case("linear-2d").load(generator=nn.Sequential(nn.Linear(2, 2)))
    with pytest.raises(gr.GanRosettaError, match="generator is a dict; expected a torch Module"):
        gr.case("linear-2d").load(generator={})


@pytest.mark.parametrize(
    ("first", "normalise"),
    [("v", nn.utils.spectral_norm), ("u", nn.utils.parametrizations.spectral_norm)],
    ids=["hook", "parametrization"],
)
def test_both_of_torch_s_spectral_norms_are_seen_into(first, normalise):
    judgement = train_spectral_2d(first=first, normalise=normalise)
    assert judgement.verdict == "AGREE", str(judgement)
    assert judgement.seen["output"] == 16 * STEPS
