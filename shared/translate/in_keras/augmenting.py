"""What augments images by what is drawn, in Keras: as in TensorFlow, each a layer."""

from __future__ import annotations

from gan_rosetta.shared.translate.in_tensorflow import augmenting

FUNCTIONS: dict[str, str] = {
    "augment": '''\
class Augment(keras.layers.Layer):
    """Changes images by a function and what is drawn."""

    def __init__(self, function: Any, *settings: int, name: str) -> None:
        super().__init__(name=name)
        self.function, self.settings = function, settings

    def call(self, x: tf.Tensor, drawn: tf.Tensor | None) -> tf.Tensor:
        """Return images of the same shape."""
        return self.function(x, drawn, *self.settings)''',
    **augmenting.FUNCTIONS,
}
