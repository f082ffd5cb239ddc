"""What holds each sample against the others of its batch, in JAX."""

from __future__ import annotations

FUNCTIONS: dict[str, str] = {
    "halves": '''\
def halves(x: Array, floor: float) -> list[Array]:
    """Return embeddings and proxies, each divided by its 2-norm or by the floor."""
    parts = jnp.split(x, 2, axis=1)
    squares = [jnp.sum(part**2, axis=1, keepdims=True) for part in parts]
    return [p / jnp.sqrt(jnp.maximum(s, floor**2)) for p, s in zip(parts, squares, strict=True)]''',
    "contrast": '''\
def contrast(x: Array, classes: Array, t: float, floor: float) -> Array:
    """Return how near samples are to their class beside all of the batch, (batch, 1)."""
    units, proxies = halves(x, floor)
    own = jnp.exp(jnp.sum(units * proxies, axis=1, keepdims=True) / t)
    powers = jnp.where(jnp.eye(len(x), dtype=bool), 0, jnp.exp(units @ units.T / t))
    kept = jnp.where(classes[:, None] == classes, powers, 0)
    total = own + jnp.sum(powers, axis=1, keepdims=True)
    return jnp.log(total) - jnp.log(own + jnp.sum(kept, axis=1, keepdims=True))''',
    "data_to_data": '''\
def data_to_data(x: Array, classes: Array, t: float, floor: float, margin: float) -> Array:
    """Return how near samples are to their class beside those of others, (batch, 1)."""
    units, proxies = halves(x, floor)
    pull = jax.nn.relu((margin - jnp.sum(units * proxies, axis=1, keepdims=True)) / t)
    near = (units @ units.T + (margin - 1)) / t
    others = jnp.where(jnp.eye(len(x), dtype=bool), -jnp.inf, lax.stop_gradient(near))
    apart = jax.nn.relu(near) - jnp.max(others, axis=1, keepdims=True)
    powers = jnp.exp(jnp.where(classes[:, None] == classes, -jnp.inf, apart))
    return pull + jnp.log(jnp.exp(-pull) + jnp.sum(powers, axis=1, keepdims=True))''',
}
