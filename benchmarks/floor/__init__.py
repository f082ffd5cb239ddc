"""The floor: gaussian-1d's adversarial step by hand in C, which no framework can be expected to go below."""
