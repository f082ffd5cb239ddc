"""What augments images by what is drawn, in TensorFlow, with channels last."""

from __future__ import annotations

FUNCTIONS: dict[str, str] = {
    "augment_colour": '''\
def augment_colour(x: tf.Tensor, drawn: tf.Tensor | None) -> tf.Tensor:
    """Change images by the brightness, saturation and contrast that are drawn, if any are."""
    if drawn is None:
        return x
    numbers = tf.unstack(tf.cast(drawn, x.dtype)[:, tf.newaxis, tf.newaxis, tf.newaxis], axis=4)
    brightness, saturation, contrast = numbers
    x = x + brightness
    mean = tf.reduce_mean(x, axis=3, keepdims=True)
    x = (x - mean) * saturation + mean
    mean = tf.reduce_mean(x, axis=(1, 2, 3), keepdims=True)
    return (x - mean) * contrast + mean''',
    "augment_translation": '''\
def augment_translation(x: tf.Tensor, drawn: tf.Tensor | None) -> tf.Tensor:
    """Move images by as many rows and columns as are drawn, if any are; what comes in is 0."""
    if drawn is None:
        return x
    rows, columns = tf.unstack(tf.cast(drawn, tf.int32), axis=1)
    return moved(moved(x, rows, 1), columns, 2)


def moved(x: tf.Tensor, moves: tf.Tensor, axis: int) -> tf.Tensor:
    """Return images whose place i along an axis is the place i + move, or 0."""
    size = x.shape[axis]
    places = tf.range(size) + moves[:, tf.newaxis]
    inside = tf.cast((places >= 0) & (places < size), x.dtype)
    taken = tf.gather(x, tf.clip_by_value(places, 0, size - 1), axis=axis, batch_dims=1)
    return taken * tf.reshape(inside, (-1, *((size, 1) if axis == 1 else (1, size)), 1))''',
    "augment_cutout": '''\
def augment_cutout(x: tf.Tensor, drawn: tf.Tensor | None, height: int, width: int) -> tf.Tensor:
    """Cut a window out of images, its middle where one is drawn."""
    if drawn is None:
        return x
    rows, columns = tf.unstack(tf.cast(drawn, tf.int32)[:, tf.newaxis], axis=2)
    in_rows = within(tf.range(x.shape[1]) - rows, height)
    in_columns = within(tf.range(x.shape[2]) - columns, width)
    kept = ~(in_rows[:, :, tf.newaxis] & in_columns[:, tf.newaxis])
    return x * tf.cast(kept, x.dtype)[..., tf.newaxis]


def within(places: tf.Tensor, extent: int) -> tf.Tensor:
    """Return which places, counted from a window's middle, are in it."""
    return (places >= -(extent // 2)) & (places < extent - extent // 2)''',
}
