"""What holds each sample against the others of its batch, in MXNet."""

from __future__ import annotations

FUNCTIONS: dict[str, str] = {
    "halves": '''\
def halves(x: NDArray, floor: float) -> list[NDArray]:
    """Return embeddings and proxies, each divided by its 2-norm or by the floor."""
    parts = mx.nd.split(x, num_outputs=2, axis=1)
    squares = [(part**2).sum(axis=1, keepdims=True) for part in parts]
    sizes = [mx.nd.sqrt(mx.nd.maximum(each, floor**2)) for each in squares]
    return [mx.nd.broadcast_div(p, size) for p, size in zip(parts, sizes, strict=True)]''',
    "alike": '''\
def alike(numbers: NDArray) -> NDArray:
    """Return 1 where two numbers of a row are the same, 0 elsewhere."""
    return mx.nd.broadcast_equal(numbers.expand_dims(1), numbers.expand_dims(0))''',
    "contrast": '''\
def contrast(x: NDArray, classes: NDArray, t: float, floor: float) -> NDArray:
    """Return how near samples are to their class beside all of the batch, (batch, 1)."""
    units, proxies = halves(x, floor)
    own = mx.nd.exp((units * proxies).sum(axis=1, keepdims=True) / t)
    others = 1 - mx.nd.eye(len(x), dtype=x.dtype)
    powers = mx.nd.exp(mx.nd.dot(units, units, transpose_b=True) / t) * others
    kept = powers * alike(classes).astype(x.dtype)
    total = own + powers.sum(axis=1, keepdims=True)
    return mx.nd.log(total) - mx.nd.log(own + kept.sum(axis=1, keepdims=True))''',
    "data_to_data": '''\
def data_to_data(x: NDArray, classes: NDArray, t: float, floor: float, margin: float) -> NDArray:
    """Return how near samples are to their class beside those of others, (batch, 1)."""
    units, proxies = halves(x, floor)
    pull = mx.nd.relu((margin - (units * proxies).sum(axis=1, keepdims=True)) / t)
    near = (mx.nd.dot(units, units, transpose_b=True) + (margin - 1)) / t
    itself = mx.nd.eye(len(x), dtype=x.dtype)
    largest = (near.detach() - 1e30 * itself).max(axis=1, keepdims=True)
    others = 1 - alike(classes).astype(x.dtype)
    powers = mx.nd.exp(mx.nd.broadcast_sub(mx.nd.relu(near), largest) * others) * others
    return pull + mx.nd.log(mx.nd.exp(-pull) + powers.sum(axis=1, keepdims=True))''',
}
