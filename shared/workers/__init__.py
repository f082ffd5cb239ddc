"""Processes: their start, protocol, environments and interruption. They know tasks by name only."""
