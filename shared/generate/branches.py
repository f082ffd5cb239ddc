"""Several ways from one input, drawn: residual blocks, gates, modulated norms, attention and energies."""

from __future__ import annotations

from hypothesis import strategies as st

from gan_rosetta.shared.generate.classes import class_row
from gan_rosetta.shared.generate.draws import BIASES, IMAGE_RANK, MAX_CHANNELS, MAX_WIDTH, POOLS, WEIGHTS
from gan_rosetta.shared.generate.stack import Stack
from gan_rosetta.shared.spec import ERRORS, ONES, ZEROS, Branch, Branches, Layer, Normal, Pool2d, Recall, self_attention


def perhaps_block(stack: Stack, /) -> None:
    """Add branches now and then: a residual block, a gate, or ways that are put together, which keep images' size.

    A gate is bounded: a product of numbers without bound runs away in the few steps of a GAN that goes badly.
    """
    if stack.draw(st.integers(0, 3)) != 3:
        return
    join = stack.draw(st.sampled_from(["add", "concatenate", "multiply"]))
    width = stack.draw(st.integers(1, MAX_WIDTH if len(stack.shape) == 1 else MAX_CHANNELS))
    hands_on = stack.draw(st.booleans())
    width = stack.shape[0] if hands_on and join != "concatenate" else width
    main = stack.inner()
    if stack.draw(st.booleans()):
        main.activation()
    if stack.draw(st.booleans()):
        main.same_size(stack.draw(st.integers(1, 3)))
        main.after()
    main.same_size(width)
    if join == "multiply":
        main.bounded()
    other = stack.inner()
    if not hands_on:
        other.same_size(width)
    branches = (
        Branch(name="main", layers=main.layers),
        Branch(name="shortcut", layers=other.layers),
    )
    stack.add(Branches(name=stack.new_name("block"), join=join, branches=branches))


def perhaps_modulated(stack: Stack, /) -> None:
    """Add a norm now and then whose gain and bias are of the class, where samples have any, or of the sample."""
    if stack.plain or not stack.normalised or stack.draw(st.integers(0, 2)) != 2:
        return
    x = stack.inner()
    x.batch_norm(affine=False)
    branches = (
        Branch(name="x", layers=x.layers),
        Branch(name="gain", layers=_bounded_by_channel(stack)),
        Branch(name="bias", layers=_bounded_by_channel(stack)),
    )
    join = stack.draw(st.sampled_from(["affine", "modulate"]))
    stack.add(Branches(name=stack.new_name("modulated"), join=join, branches=branches))


def _bounded_by_channel(stack: Stack, /) -> tuple[Layer, ...]:
    """Return the layers of a branch that ends in a number for each channel."""
    inner = stack.inner()
    if len(stack.input_shape) == 1 and stack.draw(st.booleans()):
        recall(inner, of=None, num_features=stack.input_shape[0])
        inner.linear(stack.shape[0])
    elif stack.classes and stack.draw(st.booleans()):
        class_row(inner, stack.shape[0])
    else:
        inner.flatten()
        inner.linear(stack.shape[0])
    inner.bounded()
    return inner.layers


def recall(stack: Stack, /, *, of: str | None, num_features: int) -> None:
    """Add a Recall of some neighbours among the features of an earlier layer, or of what the network is given."""
    start = stack.draw(st.integers(0, num_features - 1))
    stop = stack.draw(st.integers(start + 1, num_features))
    stack.add(Recall(of=of, parts=((start, stop),)))


def perhaps_attention(stack: Stack, /) -> None:
    """Add self-attention now and then, where samples are images."""
    if stack.plain or len(stack.shape) != IMAGE_RANK or stack.draw(st.integers(0, 5)) != 5:
        return
    kernel = stack.draw(st.integers(1, min(2, *stack.shape[1:])))
    pool = Pool2d(kernel_size=kernel, stride=kernel, mode=stack.draw(POOLS))
    name = stack.new_name("attention")
    stack.add(
        self_attention(
            name,
            channels=stack.shape[0],
            query_channels=stack.draw(st.integers(1, MAX_CHANNELS)),
            value_channels=stack.draw(st.integers(1, MAX_CHANNELS)),
            pool=pool if stack.draw(st.booleans()) else None,
            weight_init=stack.draw(WEIGHTS),
            bias_init=stack.draw(BIASES),
            gamma_init=stack.draw(st.sampled_from([ZEROS, ONES, Normal(standard_deviation=0.5)])),
            spectral_norm=stack.perhaps_spectral(),
        )
    )


def energy(stack: Stack, /) -> None:
    """Add how far features are from what a Linear gives back of them."""
    back = stack.inner()
    back.linear(stack.shape[0])
    join = stack.draw(st.sampled_from(ERRORS))
    branches = (Branch(name="back", layers=back.layers), Branch(name="given"))
    stack.add(Branches(name=stack.new_name("energy"), join=join, branches=branches))
