"""The laws that every backend keeps; plugin.py says how a backend, ours or another's, is held to them."""
