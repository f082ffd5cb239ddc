"""What holds each sample against the others of its batch, in TensorFlow."""

from __future__ import annotations

FUNCTIONS: dict[str, str] = {
    "halves": '''\
def halves(x: tf.Tensor, floor: float) -> list[tf.Tensor]:
    """Return embeddings and proxies, each divided by its 2-norm or by the floor."""
    parts = tf.split(x, 2, axis=1)
    squares = [tf.reduce_sum(part**2, axis=1, keepdims=True) for part in parts]
    return [p / tf.sqrt(tf.maximum(s, floor**2)) for p, s in zip(parts, squares, strict=True)]''',
    "contrast": '''\
def contrast(x: tf.Tensor, classes: tf.Tensor, t: float, floor: float) -> tf.Tensor:
    """Return how near samples are to their class beside all of the batch, (batch, 1)."""
    units, proxies = halves(x, floor)
    own = tf.exp(tf.reduce_sum(units * proxies, axis=1, keepdims=True) / t)
    others = 1 - tf.eye(tf.shape(x)[0], dtype=x.dtype)
    powers = tf.exp(tf.matmul(units, units, transpose_b=True) / t) * others
    kept = powers * tf.cast(classes[:, tf.newaxis] == classes, x.dtype)
    total = own + tf.reduce_sum(powers, axis=1, keepdims=True)
    return tf.math.log(total) - tf.math.log(own + tf.reduce_sum(kept, axis=1, keepdims=True))''',
    "data_to_data": '''\
def data_to_data(
    x: tf.Tensor, classes: tf.Tensor, t: float, floor: float, margin: float
) -> tf.Tensor:
    """Return how near samples are to their class beside those of others, (batch, 1)."""
    units, proxies = halves(x, floor)
    pull = tf.nn.relu((margin - tf.reduce_sum(units * proxies, axis=1, keepdims=True)) / t)
    near = (tf.matmul(units, units, transpose_b=True) + (margin - 1)) / t
    never = tf.fill(tf.shape(near), tf.cast(-np.inf, x.dtype))
    others = tf.where(tf.eye(tf.shape(x)[0]) > 0, never, tf.stop_gradient(near))
    apart = tf.nn.relu(near) - tf.reduce_max(others, axis=1, keepdims=True)
    powers = tf.exp(tf.where(classes[:, tf.newaxis] == classes, never, apart))
    return pull + tf.math.log(tf.exp(-pull) + tf.reduce_sum(powers, axis=1, keepdims=True))''',
}
