"""What augments images by what is drawn, in flax, with channels last."""

from __future__ import annotations

FUNCTIONS: dict[str, str] = {
    "augment_colour": '''\
def augment_colour(x: Array, drawn: Array | None) -> Array:
    """Change images by the brightness, saturation and contrast that are drawn, if any are."""
    if drawn is None:
        return x
    brightness, saturation, contrast = drawn.astype(x.dtype).T.reshape(3, -1, 1, 1, 1)
    x = x + brightness
    mean = x.mean(axis=3, keepdims=True)
    x = (x - mean) * saturation + mean
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    return (x - mean) * contrast + mean''',
    "augment_translation": '''\
def augment_translation(x: Array, drawn: Array | None) -> Array:
    """Move images by as many rows and columns as are drawn, if any are; what comes in is 0."""
    if drawn is not None:
        x = moved(moved(x, drawn[:, 0].astype(int), 1), drawn[:, 1].astype(int), 2)
    return x


def moved(x: Array, moves: Array, axis: int) -> Array:
    """Return images whose place i along an axis is the place i + move, or 0."""
    size = x.shape[axis]
    places = jnp.arange(size) + moves[:, None]
    inside = (places >= 0) & (places < size)
    shape = [-1 if each == 0 else size if each == axis else 1 for each in range(4)]
    index = jnp.clip(places, 0, size - 1).reshape(shape)
    return jnp.take_along_axis(x, index, axis=axis) * inside.reshape(shape)''',
    "augment_cutout": '''\
def augment_cutout(x: Array, drawn: Array | None, height: int, width: int) -> Array:
    """Cut a window out of images, its middle where one is drawn."""
    if drawn is None:
        return x
    rows, columns = drawn.astype(int).T[:, :, None]
    in_rows = within(jnp.arange(x.shape[1]) - rows, height)
    in_columns = within(jnp.arange(x.shape[2]) - columns, width)
    inside = in_rows[:, :, None] & in_columns[:, None]
    return x * jnp.expand_dims(~inside, 3)


def within(places: Array, extent: int) -> Array:
    """Return which places, counted from a window's middle, are in it."""
    return (places >= -(extent // 2)) & (places < extent - extent // 2)''',
}
