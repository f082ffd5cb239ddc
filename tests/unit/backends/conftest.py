"""These tests import frameworks, and some compute while they are collected: set all up before."""

from shared.conformance.frameworks import configure_installed

configure_installed()
