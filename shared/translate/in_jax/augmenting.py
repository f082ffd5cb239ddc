"""What augments images by what is drawn, in JAX."""

from __future__ import annotations


def functions(*, channel_axis: int) -> dict[str, str]:
    """Return the functions of every policy, for images whose channels are on an axis, 1 or 3."""
    rows, columns = (axis for axis in (1, 2, 3) if axis != channel_axis)
    return {
        "augment_colour": f'''\
def augment_colour(x: Array, drawn: Array | None) -> Array:
    """Change images by the brightness, saturation and contrast that are drawn, if any are."""
    if drawn is None:
        return x
    brightness, saturation, contrast = drawn.astype(x.dtype).T.reshape(3, -1, 1, 1, 1)
    x = x + brightness
    mean = x.mean(axis={channel_axis}, keepdims=True)
    x = (x - mean) * saturation + mean
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    return (x - mean) * contrast + mean''',
        "augment_translation": f'''\
def augment_translation(x: Array, drawn: Array | None) -> Array:
    """Move images by as many rows and columns as are drawn, if any are; what comes in is 0."""
    if drawn is not None:
        x = moved(moved(x, drawn[:, 0].astype(int), {rows}), drawn[:, 1].astype(int), {columns})
    return x


def moved(x: Array, moves: Array, axis: int) -> Array:
    """Return images whose place i along an axis is the place i + move, or 0."""
    size = x.shape[axis]
    places = jnp.arange(size) + moves[:, None]
    inside = (places >= 0) & (places < size)
    shape = [-1 if each == 0 else size if each == axis else 1 for each in range(4)]
    index = jnp.clip(places, 0, size - 1).reshape(shape)
    return jnp.take_along_axis(x, index, axis=axis) * inside.reshape(shape)''',
        "augment_cutout": f'''\
def augment_cutout(x: Array, drawn: Array | None, height: int, width: int) -> Array:
    """Cut a window out of images, its middle where one is drawn."""
    if drawn is None:
        return x
    rows, columns = drawn.astype(int).T[:, :, None]
    in_rows = within(jnp.arange(x.shape[{rows}]) - rows, height)
    in_columns = within(jnp.arange(x.shape[{columns}]) - columns, width)
    inside = in_rows[:, :, None] & in_columns[:, None]
    return x * jnp.expand_dims(~inside, {channel_axis})


def within(places: Array, extent: int) -> Array:
    """Return which places, counted from a window's middle, are in it."""
    return (places >= -(extent // 2)) & (places < extent - extent // 2)''',
    }


FUNCTIONS = functions(channel_axis=1)
