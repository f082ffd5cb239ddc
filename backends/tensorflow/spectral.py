"""The weight that a layer uses under a spectral norm.

Keras's SpectralNormalization differs: it overwrites its kernel with W / σ, which so takes no part in the gradient,
keeps no v, and leaves all as it is outside of training.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.spectral import U, V


def normalised_weight(
    layer: spec.Linear | spec.Conv2d | spec.ConvTranspose2d | spec.ClassEmbedding, variables: Any, buffer_moves: int, /
) -> Any:
    """Return W / σ, with u and v moved first and, where buffer_moves is not 0, kept. Miyato et al. 2018, Algorithm 1.

    variables: has weight, weight_u and weight_v.
    """
    norm, weight = layer.spectral_norm, variables.weight
    if norm is None:
        return weight
    matrix = _as_matrix(layer, weight)
    constant = tf.stop_gradient(matrix)
    vectors = {U: variables.weight_u.read_value(), V: variables.weight_v.read_value()}
    for short in norm.updates:
        moved = tf.linalg.matvec(constant, vectors[U] if short == V else vectors[V], transpose_a=short == V)
        vectors[short] = moved / _length(norm, moved)
    if buffer_moves:
        variables.weight_u.assign(vectors[U])
        variables.weight_v.assign(vectors[V])
    followed = matrix if norm.sigma_gradient == "followed" else constant
    sigma = tf.tensordot(vectors[U], tf.linalg.matvec(followed, vectors[V]), axes=1)
    return weight / sigma


def _as_matrix(layer: Any, weight: Any) -> Any:
    """Return a weight of TensorFlow's axes as (out, rest), rest in the canonical order."""
    if isinstance(layer, spec.ClassEmbedding):
        return weight
    if isinstance(layer, spec.Linear):
        return tf.transpose(weight)  # from (in, out)
    # Kernels (height, width, in, out), of transposed convolutions (height, width, out, in).
    order = (2, 3, 0, 1) if isinstance(layer, spec.ConvTranspose2d) else (3, 2, 0, 1)
    return tf.reshape(tf.transpose(weight, order), (layer.out_channels, -1))


def _length(norm: spec.SpectralNorm, vector: Any) -> Any:
    squares = tf.reduce_sum(tf.square(vector))
    if norm.epsilon_placement == "inside":
        return tf.sqrt(squares + norm.epsilon)
    length = tf.sqrt(squares)
    return length + norm.epsilon if norm.epsilon_placement == "outside" else tf.maximum(length, norm.epsilon)
