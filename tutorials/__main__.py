"""Runs the command: `python -m tutorials`."""

from tutorials.machinery.command import main

main()
