"""The float64 reference: plain NumPy, every derivative written by hand."""
