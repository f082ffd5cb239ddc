"""The command line: a file a command, the options that they share, and the one place that prints."""
