"""Lessons: each GAN of the catalogue written out by hand in each framework, run, and held to the suite's own record."""
