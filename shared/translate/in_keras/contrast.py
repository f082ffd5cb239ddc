"""What holds each sample against the others of its batch, in Keras: TensorFlow's functions, in a layer."""

from __future__ import annotations

from gan_rosetta.shared.translate.in_tensorflow import contrast as in_tensorflow

FUNCTIONS: dict[str, str] = {
    **in_tensorflow.FUNCTIONS,
    "by_batch": '''\
class ByBatch(keras.layers.Layer):
    """Applies a function of a whole batch and its classes that gives each sample a number."""

    def __init__(self, function: Callable[..., tf.Tensor], *settings: float) -> None:
        super().__init__()
        self.function, self.settings = function, settings

    def call(self, x: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        """Return the numbers, (batch, 1)."""
        return self.function(x, classes, *self.settings)''',
}
