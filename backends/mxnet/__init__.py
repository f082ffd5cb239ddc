"""The MXNet backend: Gluon blocks, called one operator at a time, or as static graphs."""
