"""These tests import frameworks, and some compute while they are collected: set all up before."""

from gan_rosetta.shared.conformance.frameworks import configure_installed

configure_installed()
