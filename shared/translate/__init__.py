"""A GAN's description written out as a training program of a framework, and the proof that the program is that GAN."""
