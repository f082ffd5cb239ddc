"""Generated GANs: whole valid specs drawn at random, each held to the reference on every backend."""
