"""What one GPU is worth: parity, repetition, throughput and launches of all that sees it, in one command."""
