"""Comparison of runs: distances, the measured yardstick, and verdicts."""
