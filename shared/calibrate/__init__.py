"""Calibration: how often the judge is wrong, both ways, measured on right runs and on planted changes."""
