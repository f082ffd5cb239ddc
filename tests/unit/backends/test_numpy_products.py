"""Products of factors of few digits."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy.device import set_products
from gan_rosetta.backends.numpy.products import KEPT_BITS, factor, rounded
from gan_rosetta.backends.numpy.rounding import RandomRounding
from gan_rosetta.backends.torch.device import set_products as set_torch_products
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.gans.affordable import make_affordable
from tests.unit.backends.numpy_chunks import build, make_chunk


@pytest.fixture(autouse=True)
def full_products_afterwards():
    yield
    set_products("full", device="cpu")


@pytest.mark.parametrize(("products", "kept_bits"), KEPT_BITS.items())
def test_factors_are_rounded_to_nearest_and_even(products, kept_bits):
    spacing = 2.0**-kept_bits
    given = np.array([1, 1 + spacing / 4, 1 + spacing / 2, 1 + 1.5 * spacing, -(1 + 0.75 * spacing)], np.float32)
    expected = np.array([1, 1, 1, 1 + 2 * spacing, -(1 + spacing)], np.float32)
    assert np.array_equal(rounded(given, kept_bits), expected)
    assert np.array_equal(rounded(rounded(given, kept_bits), kept_bits), expected)
    odd = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], np.float32)
    assert np.array_equal(rounded(odd, kept_bits), odd, equal_nan=True)
    drawn = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    off = np.abs(rounded(drawn, kept_bits) / drawn - 1)
    assert spacing / 4 < off.max() <= spacing / 2


def test_bfloat16_is_that_of_ml_dtypes():
    ml_dtypes = pytest.importorskip("ml_dtypes", reason="bfloat16 of NumPy arrays comes with JAX")
    drawn = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    assert np.array_equal(rounded(drawn, KEPT_BITS["bf16"]), drawn.astype(ml_dtypes.bfloat16).astype(np.float32))


def test_only_float32_factors_lose_digits_and_copies_lose_them_at_random():
    drawn = np.random.default_rng(2).standard_normal(1000)
    single = drawn.astype(np.float32)
    assert factor(single, None) is single
    set_products("tf32", device="cpu")
    assert factor(drawn, None) is drawn
    assert np.array_equal(factor(single, None), rounded(single, 10))
    found = factor(single, RandomRounding(seed=0, dtype="float32"))
    off = np.abs(found.astype(np.float64) / single - 1)
    assert 0.9 * 2**-10 < off.max() < 1.01 * 2**-10
    assert np.array_equal(single, drawn.astype(np.float32)), "the array itself is left alone"


@pytest.mark.parametrize("gan", ["linear-2d", "gaussian-1d-minibatch", "mnist-conv", "mnist-wgan-gp"])
def test_a_step_is_as_far_off_as_its_factors(gan):
    losses = {}
    for products in ("full", "tf32", "bf16"):
        set_products(products, device="cpu")
        spec = make_affordable(find_gan(gan)).spec
        trainer = build(spec, dtype="float32")
        losses[products] = np.asarray(trainer.train(trainer.stage(make_chunk(spec, num_steps=2))).generator, np.float64)
    off = {name: float(np.abs(values / losses["full"] - 1).max()) for name, values in losses.items()}
    assert 1e-7 < off["tf32"] < 0.1
    assert off["bf16"] > off["tf32"]


def test_torch_has_full_products_on_a_processor():
    set_torch_products("full", device="cpu")
    with pytest.raises(UsageError, match="torch has no tf32 products on cpu; expected full; numpy has all"):
        set_torch_products("tf32", device="cpu")
    with pytest.raises(UsageError, match="torch has no bf16 products on cuda; expected full, tf32"):
        set_torch_products("bf16", device="cuda")
