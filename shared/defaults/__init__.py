"""What each framework's own defaults would have done to these GANs, measured on the reference."""
