"""What augments images by what is drawn, in MXNet."""

from __future__ import annotations

FUNCTIONS: dict[str, str] = {
    "augment_colour": '''\
def augment_colour(x: NDArray, drawn: NDArray | None) -> NDArray:
    """Change images by the brightness, saturation and contrast that are drawn, if any are."""
    if drawn is None:
        return x
    numbers = (drawn[:, k].reshape((-1, 1, 1, 1)).astype(x.dtype) for k in range(3))
    brightness, saturation, contrast = numbers
    x = spread(mx.nd.broadcast_add(x, brightness), saturation, 1)
    return spread(x, contrast, (1, 2, 3))


def spread(x: NDArray, factor: NDArray, axis: Any) -> NDArray:
    """Return how far images are from their means along axes, times a factor, and the means."""
    mean = x.mean(axis=axis, keepdims=True)
    apart = mx.nd.broadcast_mul(mx.nd.broadcast_sub(x, mean), factor)
    return mx.nd.broadcast_add(apart, mean)''',
    "augment_translation": '''\
def augment_translation(x: NDArray, drawn: NDArray | None) -> NDArray:
    """Move images by as many rows and columns as are drawn, if any are; what comes in is 0."""
    if drawn is None:
        return x
    x = moved(x, drawn[:, 0]).swapaxes(2, 3)
    return moved(x, drawn[:, 1]).swapaxes(2, 3)


def moved(x: NDArray, moves: NDArray) -> NDArray:
    """Return images whose row i is the row i + move, or 0: by products with 0 and 1."""
    places = mx.nd.arange(x.shape[2], dtype=x.dtype)
    moves = moves.reshape((-1, 1, 1)).astype(x.dtype)
    wanted = mx.nd.broadcast_add(places.reshape((1, -1, 1)), moves)
    taken = mx.nd.broadcast_equal(wanted, places.reshape((1, 1, -1)))
    rows = mx.nd.batch_dot(taken, x.swapaxes(1, 2).reshape((0, 0, -1)))
    return rows.reshape((0, 0, x.shape[1], -1)).swapaxes(1, 2)''',
    "augment_cutout": '''\
def augment_cutout(x: NDArray, drawn: NDArray | None, height: int, width: int) -> NDArray:
    """Cut a window out of images, its middle where one is drawn."""
    if drawn is None:
        return x
    in_rows = within(x.shape[2], drawn[:, 0].astype(x.dtype), height)
    in_columns = within(x.shape[3], drawn[:, 1].astype(x.dtype), width)
    inside = mx.nd.broadcast_mul(in_rows.expand_dims(2), in_columns.expand_dims(1))
    return mx.nd.broadcast_mul(x, (1 - inside).expand_dims(1))


def within(size: int, middles: NDArray, extent: int) -> NDArray:
    """Return 1 for the places that are in each image's window, (batch, size)."""
    places = mx.nd.arange(size, dtype=middles.dtype).reshape((1, -1))
    behind = mx.nd.broadcast_sub(places, middles.reshape((-1, 1))) + extent // 2
    return (behind >= 0) * (behind < extent)''',
}
