"""Checkpoints of other frameworks, read and written without those frameworks; nothing in a file is executed.

Each format is small and documented, and read by a reader of our own, so that converting needs no framework and imports
none, and what a file can make this program do is what these files say.
"""
