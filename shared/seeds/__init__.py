"""Many seeds: what comes out of runs of a GAN from each, and whether it is the same in distribution."""
