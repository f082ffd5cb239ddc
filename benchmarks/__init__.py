"""What training steps cost in each framework: measured in rounds, judged by the reference first, kept as records."""
