"""What matters: each default, mistake, precision or version as a treatment of a GAN, over many seeds."""
