"""A case in each framework: it is fed that framework's tensors, and takes that framework's numbers."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.shared.cases.values import as_array, as_number
from gan_rosetta.shared.errors import UsageError

FRAMEWORKS = {"torch": "Tensor", "tensorflow": "EagerTensor", "jax": "ArrayImpl", "mxnet": "NDArray"}


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    version = gr.backends()[request.param].version
    if version is None:
        pytest.skip(f"{request.param} is not installed")
    if request.param == "jax":
        import jax  # noqa: PLC0415

        jax.config.update("jax_enable_x64", True)
    return request.param


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_program_is_fed_its_frameworks_tensors(framework, dtype):
    fed = gr.case("gaussian-1d", steps=1, pretrain_steps=1, framework=framework, dtype=dtype)
    plain = gr.case("gaussian-1d", steps=1, pretrain_steps=1, dtype=dtype)
    tensors, arrays = list(fed.initial_state.values()), list(plain.initial_state.values())
    for step, other in zip(fed, plain, strict=True):
        tensors += step.arrays.values()
        arrays += other.arrays.values()
        names = ("pretraining",) if step.phase == "pretraining" else ("discriminator", "generator")
        step.record(**dict.fromkeys(names, 1.0))
        other.record(**dict.fromkeys(names, 1.0))
    for tensor, array in zip(tensors, arrays, strict=True):
        assert type(tensor).__name__ == FRAMEWORKS[framework]
        got = as_array(tensor, what="it")
        assert got.dtype == array.dtype
        np.testing.assert_array_equal(got, array)


def test_numbers_of_a_framework_are_taken_as_they_are(framework):
    step = next(iter(gr.case("linear-2d", steps=1, framework=framework)))
    number = float(np.asarray(as_array(step.real, what="it"))[0, 0])
    assert as_number(step.real[0, 0], what="it") == (number, "float64")


def test_what_is_no_network_is_refused_whatever_is_imported(framework):
    case = gr.case("linear-2d", steps=1, framework=framework)
    with pytest.raises(UsageError, match=r"generator is a dict; expected a torch Module, a Keras model or tf\.Module"):
        case.load(generator={})
    with pytest.raises(UsageError, match="discriminator is a object"):
        case.watch(discriminator=object())


def test_a_device_that_is_not_there_is_refused(framework):
    if "cuda" in importlib.import_module(f"gan_rosetta.backends.{framework}.device").list_devices():
        pytest.skip("there is one")
    with pytest.raises(UsageError, match="'cuda'"):
        _ = gr.case("linear-2d", framework=framework, device="cuda").initial_state


def test_a_loss_that_is_still_being_differentiated_is_taken():
    torch = pytest.importorskip("torch")
    loss = torch.tensor([0.25], dtype=torch.float64, requires_grad=True) * 2
    assert as_number(loss, what="it") == (0.5, "float64")
    assert as_number(torch.tensor(0.5, dtype=torch.bfloat16), what="it") == (0.5, "float32")


def test_a_tracer_is_refused_with_what_to_do():
    jax = pytest.importorskip("jax")

    def step(x):
        return as_number(x, what="step 0: the generator's loss")[0]

    with pytest.raises(
        UsageError, match=r"generator's loss is a .*Tracer, whose numbers cannot be read .*outside of it"
    ):
        jax.jit(step)(1.0)


def test_float64_in_a_jax_that_makes_float32_of_it_is_refused():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(UsageError, match="jax_enable_x64"):
            _ = gr.case("linear-2d", framework="jax").initial_state
    finally:
        jax.config.update("jax_enable_x64", True)
